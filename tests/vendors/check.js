// usage: node check.js ISHARA
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { createSecretKey, randomBytes, randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { promisify } from "node:util";
import jwt from "messagebird/lib/webhook-signature-jwt.js";
import plivo from "plivo";
import twilio from "twilio";

const ishara = process.argv[2];
const secret = "secret-of-this-test";

const alphabets = ["abc XYZ 019", "&=+%#?/ ~*'()!", "\u00e9\u00f1\u20ac{}", "\u0645\u062f\u062f", "\u{1f600}\n"];
function randomText() {
  let text = "";
  for (let left = randomInt(1, 60); left > 0; --left) {
    const letters = [...alphabets[randomInt(alphabets.length)]];
    text += letters[randomInt(letters.length)];
  }
  return text.normalize("NFC");
}

// What `ishara channel parse` makes of a request: its lines.
async function parsed(provider, url, head, body, ...settings) {
  const { pathname, search, host } = new URL(url);
  const lines = [`POST ${pathname}${search} HTTP/1.1`, `Host: ${host}`,
    ...Object.entries({ ...head, "Content-Length": Buffer.byteLength(body) }).map(
      ([name, value]) => `${name}: ${value}`), "", body];
  const child = spawn(ishara, ["channel", "parse", "--provider", provider,
    ...settings.flatMap((each) => ["--set", each])], { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end(lines.join("\r\n"));
  let out = "";
  child.stdout.on("data", (part) => (out += part));
  await once(child, "close");
  return out.trim().split("\n").map((line) => JSON.parse(line));
}

const isRefused = (lines) => lines.length === 1 && JSON.stringify(lines).includes("403");

async function twilioSigns() {
  const url = `https://reports.example/in/twilio/secret?a=b%20c`;
  const settings = [`url=${url}`, `token=${secret}`, "country=RW"];
  for (let round = 0; round < 20; ++round) {
    const fields = { MessageSid: `SM${randomBytes(16).toString("hex")}`, From: "+250788000001",
      To: "2020", Body: randomText(), NumMedia: "0" };
    const head = { "Content-Type": "application/x-www-form-urlencoded",
      "X-Twilio-Signature": twilio.getExpectedTwilioSignature(secret, url, fields) };
    const lines = await parsed("twilio", url, head, new URLSearchParams(fields).toString(), ...settings);
    assert.equal(lines[0].text, fields.Body, "the text of a request that Twilio's library signed");
    const altered = new URLSearchParams({ ...fields, Body: `${fields.Body}.` }).toString();
    assert(isRefused(await parsed("twilio", url, head, altered, ...settings)), "an altered request");
  }
}

// The request with which `ishara simulate sms` plays the provider, as a server hears it.
async function played(provider, text) {
  let heard;
  const server = createServer((request, response) => {
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", () => {
      heard = { method: request.method, path: request.url, head: request.headers,
        body: Buffer.concat(parts) };
      response.end("OK");
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${server.address().port}`;
  try {
    await promisify(execFile)(ishara, ["simulate", "sms", "--post", "--provider", provider, "--url",
      `${origin}/in/${provider}/secret`, "--text", text, "--token", secret, "--secret", secret]);
  } finally {
    server.close();
  }
  return { ...heard, url: origin + heard.path };
}

function plivoTakes(request, body) {
  const fields = Object.fromEntries(new URLSearchParams(body.toString()));
  return plivo.validateV3Signature(request.method, request.url,
    request.head["x-plivo-signature-v3-nonce"], secret, request.head["x-plivo-signature-v3"], fields);
}

async function plivoVerifies() {
  for (let round = 0; round < 10; ++round) {
    const request = await played("plivo", randomText());
    assert(plivoTakes(request, request.body), "what Plivo's library says of our request");
    assert(!plivoTakes(request, Buffer.concat([request.body, Buffer.from(".")])), "of an altered one");
  }
}

async function messagebirdVerifies() {
  const key = createSecretKey(Buffer.from(secret));
  for (let round = 0; round < 10; ++round) {
    const request = await played("messagebird", randomText());
    const token = request.head[jwt.SIGNATURE_HEADER_NAME];
    await jwt.verify(request.url, request.body, token, key);
    await assert.rejects(jwt.verify(`${request.url}.`, request.body, token, key));
    await assert.rejects(
      jwt.verify(request.url, Buffer.concat([request.body, Buffer.from(".")]), token, key));
  }
}

for (const check of [twilioSigns, plivoVerifies, messagebirdVerifies]) {
  await check();
  console.log(`ok ${check.name}`);
}
