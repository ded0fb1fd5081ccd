-- Take from every window of a call, or from none where one of them has no room; for many calls at once.
-- KEYS: one for each window of each call, in order.
-- ARGV: the steps of a window; then for each call the number of its windows, and for each window its quota, the
-- milliseconds of a step and whether the call takes (1) or only looks (0).
-- Answer, in one text: for each call 1 or 0, and for each window what is used and the milliseconds until it is less.
-- A key holds steps and how often in each, the oldest first, as in windows.py. The server's clock is everybody's.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local steps = tonumber(ARGV[1])
local values = redis.call('MGET', unpack(KEYS))
local windows, answer = {}, {}

local function read(packed, step_ms)
  local step = math.floor(now / step_ms)
  local used, total = {}, 0
  if packed then
    local held = cmsgpack.unpack(packed)
    for i = 1, #held, 2 do
      -- A step of the future is left from before a clock was set back.
      if held[i] > step - steps and held[i] <= step then
        used[#used + 1] = held[i]
        used[#used + 1] = held[i + 1]
        total = total + held[i + 1]
      end
    end
  end
  return { used = used, total = total, step = step, step_ms = step_ms }
end

local function take(window)
  local used = window.used
  local last = #used
  if last > 0 and used[last - 1] == window.step then
    used[last] = used[last] + 1
  else
    used[last + 1] = window.step
    used[last + 2] = 1
  end
  window.total = window.total + 1
  window.changed = true
end

local key, argument = 0, 2
while argument <= #ARGV do
  local first, count, accepted = key + 1, tonumber(ARGV[argument]), true
  for i = 0, count - 1 do
    local name, at = KEYS[first + i], argument + 1 + 3 * i
    local window = windows[name]
    if not window then
      window = read(values[first + i], tonumber(ARGV[at + 1]))
      windows[name] = window
    end
    accepted = accepted and window.total < tonumber(ARGV[at])
  end
  answer[#answer + 1] = accepted and 1 or 0
  for i = 0, count - 1 do
    local window = windows[KEYS[first + i]]
    if accepted and ARGV[argument + 3 + 3 * i] == '1' then take(window) end
    answer[#answer + 1] = window.total
    answer[#answer + 1] = ((window.used[1] or window.step) + steps) * window.step_ms - now
  end
  key = key + count
  argument = argument + 1 + 3 * count
end

for name, window in pairs(windows) do
  if window.changed then
    redis.call('SET', name, cmsgpack.pack(window.used), 'PX', window.step_ms * (steps + 1))
  end
end

return table.concat(answer, ' ')
