// INTAKE, STATEMENT, EPOCH, ROSTER and what makes up the audit chain: what is signed and not sealed;
// and a whole text, whose MESSAGE counts only after its INTAKE.

import {concat, equal, fromHex, fromUtf8, hex, integer, isZero, Reader} from './bytes.js';
import {isSigned, keyId, tagged, withSignature} from './layout.js';
import {opens as boxes} from './boxes.js';
import {opens as texts} from './texts.js';

const domains = {
  intake: 'ishara/v1/intake',
  statement: 'ishara/v1/stmt',
  epoch: 'ishara/v1/epoch',
  roster: 'ishara/v1/roster',
  checkpoint: 'ishara/v1/ckpt',
};
const transfer = 8;
const consent = 9;
const withdraw = 12;

function openIntake(crypto, bytes, given) {
  if (bytes.length !== 184) return null;
  const read = new Reader(bytes);
  const [version, type, consentClass, flags] = [1, 1, 1, 1].map((size) => read.integer(size));
  const out = {
    class: consentClass,
    urgent: (flags & 1) !== 0,
    first: (flags & 2) !== 0,
    partial: (flags & 4) !== 0,
    joined_by_number: (flags & 8) !== 0,
    hour: read.integer(4),
    report_id: hex(read.bytes(16)),
    queue_id: hex(read.bytes(16)),
    copy_queue: hex(read.bytes(16)),
    message_digest: hex(read.bytes(32)),
    return_address_digest: hex(read.bytes(32)),
  };
  if (version !== 1 || type !== 0x10 || consentClass > 1 || flags > 15 ||
      (consentClass === 0 && !isZero(fromHex(out.copy_queue))) ||
      !isSigned(crypto, domains.intake, bytes, fromHex(given.gateway)))
    return null;
  return out;
}

function openStatement(crypto, bytes, given) {
  if (bytes.length !== 136) return null;
  const read = new Reader(bytes);
  const [version, type, flags, hour] = [1, 1, 2, 4].map((size) => read.integer(size));
  const [report, from, to, previous] = [0, 0, 0, 0].map(() => read.bytes(16));
  const queues = type === transfer
    ? !isZero(from) && !isZero(to) && !equal(from, to)
    : isZero(from) && isZero(to);
  if (version !== 1 || ![transfer, consent, withdraw].includes(type) || flags > 1 || !queues ||
      !isSigned(crypto, domains.statement, bytes, fromHex(given.signer)))
    return null;
  return {
    type,
    keeps_wraps: type === transfer && flags === 1,
    class: type === consent ? flags : 0,
    with_ref: type === withdraw && flags === 1,
    hour,
    report_id: hex(report),
    from_queue: hex(from),
    to_queue: hex(to),
    previous: hex(previous),
  };
}

function openEpoch(crypto, bytes, given) {
  if (bytes.length !== 120) return null;
  const read = new Reader(bytes);
  const [version, type, zeros, epoch, notBefore, notAfter] =
    [1, 1, 2, 4, 8, 8].map((size) => read.integer(size));
  if (version !== 1 || type !== 0x11 || zeros !== 0 || notBefore >= notAfter ||
      !isSigned(crypto, domains.epoch, bytes, fromHex(given.relay)))
    return null;
  return {epoch, not_before: notBefore, not_after: notAfter, key: hex(read.bytes(32))};
}

function openAuditEntry(crypto, bytes) {
  if (bytes.length !== 136) return null;
  const read = new Reader(bytes);
  const [version, type, action, flags, seq, time] =
    [1, 1, 2, 4, 8, 8].map((size) => read.integer(size));
  if (version !== 1 || type !== 0x0a || seq === 0) return null;
  return {
    action,
    flags,
    seq,
    time,
    actor: hex(read.bytes(16)),
    subject: hex(read.bytes(16)),
    object: hex(read.bytes(16)),
    detail: hex(read.bytes(32)),
    before: hex(read.bytes(32)),
    hash: hex(crypto.hash(32, tagged('ishara/v1/audit', bytes))),
  };
}

function openCheckpoint(crypto, bytes, given) {
  if (bytes.length !== 136) return null;
  const read = new Reader(bytes);
  const [version, type] = [1, 1].map((size) => read.integer(size));
  const zeros = read.bytes(6);
  const [seq, time] = [8, 8].map((size) => read.integer(size));
  const head = hex(read.bytes(32));
  const relay = fromHex(given.relay);
  if (version !== 1 || type !== 0x0b || !isZero(zeros) || seq === 0 ||
      !equal(read.bytes(16), keyId(crypto, relay)) ||
      !isSigned(crypto, domains.checkpoint, bytes, relay))
    return null;
  return {seq, time, head};
}

// The signature is checked before a byte is parsed; a version below one that was seen is refused.
function openRoster(crypto, bytes, given) {
  if (!crypto.verify(fromHex(given.signature), tagged(domains.roster, bytes), fromHex(given.root)))
    return null;
  const roster = JSON.parse(fromUtf8(bytes));
  if (roster.deployment !== given.deployment || roster.version < given.seen) return null;
  return {version: roster.version};
}

// The record binds the MESSAGE by digest and hour; its wrap gives the key.
function openWholeText(crypto, bytes, given) {
  const record = openIntake(crypto, bytes, given);
  const message = fromHex(given.message);
  if (!record || record.report_id !== given.report_id ||
      record.message_digest !== hex(crypto.hash(32, message)))
    return null;
  const inner = {...given, hour: record.hour, message_id: hex(message.slice(24, 40))};
  const opened = boxes.KEYWRAP(crypto, fromHex(given.wrap), inner);
  return opened && texts.MESSAGE(crypto, message, {...inner, key: opened.key});
}

export const opens = {
  INTAKE: openIntake,
  STATEMENT: openStatement,
  EPOCH: openEpoch,
  AUDIT_ENTRY: openAuditEntry,
  CHECKPOINT: openCheckpoint,
  ROSTER: openRoster,
  TEXT: openWholeText,
};

const id = (crypto) => hex(crypto.random(16));

export const makes = {
  INTAKE: (crypto, draw) => {
    const gateway = crypto.signingKey(crypto.random(32));
    const opened = {
      class: draw.below(2),
      urgent: draw.below(2) === 0,
      first: draw.below(2) === 0,
      partial: draw.below(2) === 0,
      joined_by_number: draw.below(2) === 0,
      hour: draw.below(2 ** 32),
      report_id: id(crypto),
      queue_id: id(crypto),
      copy_queue: '00'.repeat(16),
      message_digest: hex(crypto.random(32)),
      return_address_digest: hex(crypto.random(32)),
    };
    if (opened.class === 1) opened.copy_queue = id(crypto);
    const flags = (opened.urgent ? 1 : 0) | (opened.first ? 2 : 0) | (opened.partial ? 4 : 0) |
      (opened.joined_by_number ? 8 : 0);
    const bytes = concat([1, 0x10, opened.class, flags], integer(opened.hour, 4),
      ...['report_id', 'queue_id', 'copy_queue', 'message_digest', 'return_address_digest'].map(
        (name) => fromHex(opened[name])));
    return {
      bytes: withSignature(crypto, domains.intake, bytes, gateway.secretKey),
      with: {gateway: hex(gateway.publicKey)},
      opens: opened,
    };
  },
  STATEMENT: (crypto, draw) => {
    const signer = crypto.signingKey(crypto.random(32));
    const type = [transfer, consent, withdraw][draw.below(3)];
    const flag = draw.below(2);
    const opened = {
      type,
      keeps_wraps: type === transfer && flag === 1,
      class: type === consent ? flag : 0,
      with_ref: type === withdraw && flag === 1,
      hour: draw.below(2 ** 32),
      report_id: id(crypto),
      from_queue: type === transfer ? id(crypto) : '00'.repeat(16),
      to_queue: type === transfer ? id(crypto) : '00'.repeat(16),
      previous: id(crypto),
    };
    const bytes = concat([1, type], integer(flag, 2), integer(opened.hour, 4),
      ...['report_id', 'from_queue', 'to_queue', 'previous'].map((name) => fromHex(opened[name])));
    return {
      bytes: withSignature(crypto, domains.statement, bytes, signer.secretKey),
      with: {signer: hex(signer.publicKey)},
      opens: opened,
    };
  },
  CHECKPOINT: (crypto, draw) => {
    const relay = crypto.signingKey(crypto.random(32));
    const opened = {seq: 1 + draw.below(2 ** 40), time: draw.below(2 ** 40),
      head: hex(crypto.random(32))};
    const bytes = concat([1, 0x0b, 0, 0, 0, 0, 0, 0], integer(opened.seq, 8),
      integer(opened.time, 8), fromHex(opened.head), keyId(crypto, relay.publicKey));
    return {
      bytes: withSignature(crypto, domains.checkpoint, bytes, relay.secretKey),
      with: {relay: hex(relay.publicKey)},
      opens: opened,
    };
  },
  EPOCH: (crypto, draw) => {
    const relay = crypto.signingKey(crypto.random(32));
    const begin = draw.below(2 ** 40);
    const opened = {
      epoch: draw.below(2 ** 32),
      not_before: begin,
      not_after: begin + 1 + draw.below(2 ** 32),
      key: hex(crypto.random(32)),
    };
    const bytes = concat([1, 0x11, 0, 0], integer(opened.epoch, 4), integer(opened.not_before, 8),
      integer(opened.not_after, 8), fromHex(opened.key));
    return {
      bytes: withSignature(crypto, domains.epoch, bytes, relay.secretKey),
      with: {relay: hex(relay.publicKey)},
      opens: opened,
    };
  },
};
