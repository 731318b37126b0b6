// An SMSC for a real Kannel, by npm's smpp. The first line of stdout names its port. Each line of
// stdin is a message of a phone, {from, to, coding, esm, hex}; each further line of stdout one for a
// phone, {to, text}, or says that Kannel is bound.
// usage: node smsc.js
import { createInterface } from "node:readline";
import smpp from "smpp";

const sessions = new Set();
const say = (what) => console.log(JSON.stringify(what));

const server = smpp.createServer((session) => {
  session.on("bind_transceiver", (pdu) => {
    session.send(pdu.response());
    sessions.add(session);
    say({ bound: true });
  });
  session.on("submit_sm", (pdu) => {
    session.send(pdu.response({ message_id: "1" }));
    say({ to: pdu.destination_addr, text: pdu.short_message.message });
  });
  for (const kind of ["enquire_link", "unbind"])
    session.on(kind, (pdu) => session.send(pdu.response()));
  for (const end of ["close", "error"]) session.on(end, () => sessions.delete(session));
});
server.listen(0, "127.0.0.1", () => say({ port: server.address().port }));

createInterface({ input: process.stdin }).on("line", (line) => {
  const { from, to, coding, esm, hex } = JSON.parse(line);
  for (const session of sessions)
    session.deliver_sm({ source_addr: from, destination_addr: to, data_coding: coding,
      esm_class: esm, short_message: Buffer.from(hex, "hex") });
}).on("close", () => process.exit(0));
