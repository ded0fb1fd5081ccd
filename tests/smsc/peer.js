// A carrier that speaks SMPP by npm's codec. It prints one JSON object a line, as the simulator does with --json, and has
// the simulator's faults, whose table it reads from its first argument; what happens to links is the front's to do.
'use strict';

const smpp = require('smpp');

const faults = JSON.parse(process.argv[2]);
const usual = faults.usual;
const refused = {};
const sessions = new Set();
let ids = Date.now();
let references = 0;

const STATES = { DELIVRD: 2, EXPIRED: 3, DELETED: 4, UNDELIV: 5, ACCEPTD: 6, UNKNOWN: 7, REJECTD: 8 };

function tell(what, facts) {
  console.log(JSON.stringify({ what, ...facts }));
}

function later(seconds, work) {
  setTimeout(work, seconds * 1000);
}

function date(withSeconds) {
  const digits = new Date().toISOString().replace(/\D/g, '').slice(2, 14);
  return withSeconds ? digits : digits.slice(0, 10);
}

// By any bind of the account, as often as it takes.
function bring(account, sent, more, tries) {
  const receiver = [...sessions].find((each) => each.account === account && each.receives);
  const again = () => tries < 600 && later(1, () => bring(account, sent, more, tries + 1));
  if (!receiver) {
    again();
    return;
  }
  let answered = false;
  receiver.once('close', () => answered || again());
  receiver.deliver_sm(
    {
      source_addr: sent.destination_addr,
      source_addr_ton: sent.dest_addr_ton,
      source_addr_npi: sent.dest_addr_npi,
      destination_addr: sent.source_addr,
      dest_addr_ton: sent.source_addr_ton,
      dest_addr_npi: sent.source_addr_npi,
      ...more,
    },
    (answer) => {
      answered = true;
      if (answer.command_status !== 0) {
        again();
      }
    },
  );
}

function receipt(account, sent, id, fault, state) {
  const named = fault.ids === 'decimal, then hex' ? id.toString(16) : String(id);
  const when = date(fault.seconds_in_dates);
  const delivered = state === 'DELIVRD' ? 1 : 0;
  const text =
    `id:${named} sub:001 dlvrd:00${delivered} submit date:${when} done date:${when}` +
    ` stat:${state} err:00${1 - delivered} text:`;
  const more = { esm_class: 4, short_message: text, receipted_message_id: named, message_state: STATES[state] };
  if (fault.vendor_tlvs) {
    more.of_a_vendor = Buffer.from('of a vendor');
  }
  bring(account, sent, more, 0);
  tell('receipt', { to: sent.destination_addr, state });
}

function reply(account, sent, answer) {
  const pieces = answer.text.match(/.{1,134}/g);
  if (answer.parts.length === 0) {
    bring(account, sent, { short_message: answer.text }, 0);
    return;
  }
  const reference = (references = (references + 1) % 256);
  answer.parts.forEach((number, place) => {
    const udh = Buffer.from([5, 0, 3, reference, pieces.length, number]);
    const more = { esm_class: 0x40, short_message: { udh, message: pieces[number - 1] } };
    later(place * 0.05, () => bring(account, sent, more, 0));
  });
}

function body(sent) {
  const { udh, message } = sent.short_message || {};
  const payload = sent.message_payload && sent.message_payload.message;
  return { text: message || payload || '', udh: udh ? Buffer.concat(udh.map((each) => Buffer.from(each))).toString('hex') : '' };
}

function take(session, sent) {
  const number = sent.destination_addr;
  const fault = faults.by_ending[number.slice(-3)] || usual;
  const count = refused[number] || 0;
  const facts = {
    source: sent.source_addr,
    to: number,
    coding: sent.data_coding,
    esm_class: sent.esm_class,
    validity: sent.validity_period instanceof Date ? sent.validity_period.toISOString() : String(sent.validity_period),
    ...body(sent),
  };
  if (count < fault.refusals.length || fault.for_ever) {
    refused[number] = count + 1;
    const status = fault.refusals[count % fault.refusals.length];
    tell('refused', { ...facts, status });
    session.send(sent.response({ command_status: status }));
    return;
  }
  refused[number] = 0;
  const id = (ids += 1);
  const answered = fault.ids === 'hex, then decimal' ? id.toString(16).toUpperCase() : String(id);
  const receipts = sent.registered_delivery & 3 ? fault.receipts : [];
  const early = receipts.filter((each) => each.seconds < 0);
  early.forEach((each) => receipt(session.account, sent, id, fault, each.state));
  later(early.length ? 0.3 : 0, () => {
    tell('accepted', { ...facts, id: answered });
    session.send(sent.response({ message_id: answered }));
    receipts
      .filter((each) => each.seconds >= 0)
      .forEach((each) => later(each.seconds, () => receipt(session.account, sent, id, fault, each.state)));
    if (fault.reply) {
      later(0.2, () => reply(session.account, sent, fault.reply));
    }
  });
}

smpp.addTLV('of_a_vendor', { id: 0x1403, type: smpp.types.tlv.buffer });

const server = smpp.createServer((session) => {
  ['bind_transceiver', 'bind_receiver', 'bind_transmitter'].forEach((command) => {
    session.on(command, (sent) => {
      session.account = sent.system_id;
      session.receives = command !== 'bind_transmitter';
      sessions.add(session);
      tell('bound', { system_id: sent.system_id });
      session.send(sent.response({ system_id: 'smsc' }));
    });
  });
  session.on('submit_sm', (sent) => take(session, sent));
  session.on('enquire_link', (sent) => session.send(sent.response()));
  session.on('unbind', (sent) => {
    tell('unbinds', { system_id: session.account });
    session.send(sent.response());
    session.close();
  });
  session.on('error', () => session.destroy());
  session.on('close', () => {
    sessions.delete(session);
    tell('unbound', { system_id: session.account });
  });
});

server.listen(0, '127.0.0.1', () => tell('listening', { port: server.address().port }));
