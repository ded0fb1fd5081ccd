-- Take from every window of a call, or from none where one of them has no room; for many calls at once.
-- KEYS: one for each window of each call, in order.
-- ARGV: the steps of a window; then for each call the number of its windows, and for each window its quota, the
-- milliseconds of a step and whether the call takes (1) or only looks (0).
-- Answer, in one text: for each call 1 or 0, and for each window what is used and the milliseconds until it is less.
-- A key holds steps and how often in each, the oldest first, as in windows.py. The server's clock is everybody's.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local steps = tonumber(ARGV[1])
local answer = {}
local key, argument = 0, 1

local function read(name, step)
  local packed = redis.call('GET', name)
  local held = packed and cmsgpack.unpack(packed) or {}
  local kept, total = {}, 0
  for i = 1, #held, 2 do
    -- A step of the future is left from before a clock was set back.
    if held[i] > step - steps and held[i] <= step then
      kept[#kept + 1] = held[i]
      kept[#kept + 1] = held[i + 1]
      total = total + held[i + 1]
    end
  end
  return kept, total
end

local function write(window)
  local kept = window.kept
  if kept[#kept - 1] == window.step then
    kept[#kept] = kept[#kept] + 1
  else
    kept[#kept + 1] = window.step
    kept[#kept + 1] = 1
  end
  window.total = window.total + 1
  redis.call('SET', window.name, cmsgpack.pack(kept), 'PX', window.step_ms * (steps + 1))
end

while argument < #ARGV do
  local windows, accepted = {}, 1
  argument = argument + 1
  for i = 1, tonumber(ARGV[argument]) do
    key = key + 1
    local window = { name = KEYS[key], step_ms = tonumber(ARGV[argument + 2]), takes = ARGV[argument + 3] == '1' }
    window.step = math.floor(now / window.step_ms)
    window.kept, window.total = read(window.name, window.step)
    if window.total >= tonumber(ARGV[argument + 1]) then accepted = 0 end
    windows[i] = window
    argument = argument + 3
  end
  answer[#answer + 1] = accepted
  for _, window in ipairs(windows) do
    if accepted == 1 and window.takes then write(window) end
    local oldest = window.kept[1] or window.step
    answer[#answer + 1] = window.total
    answer[#answer + 1] = (oldest + steps) * window.step_ms - now
  end
end

return table.concat(answer, ' ')
