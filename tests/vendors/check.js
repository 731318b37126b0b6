// usage: node check.js ISHARA
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { createHash, createHmac, createSecretKey, generateKeyPairSync, randomBytes,
  randomInt } from "node:crypto";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer, request as plainRequest } from "node:http";
import https from "node:https";
import { promisify } from "node:util";
import { tokenGenerate, verifySignature } from "@vonage/jwt";
import africastalking from "africastalking";
import messagebird from "messagebird";
import jwt from "messagebird/lib/webhook-signature-jwt.js";
import plivo from "plivo";
import telerivet from "telerivet";
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

// Of Vonage's two signatures its library knows the one of Messages.
async function vonageAgrees() {
  const url = "https://reports.example/in/vonage/secret";
  const settings = [`secret=${secret}`, "account=abcd1234", "country=RW"];
  const encoded = (object) => Buffer.from(JSON.stringify(object)).toString("base64url");
  const hash = (body) => createHash("sha256").update(body).digest("hex");
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048,
    privateKeyEncoding: { type: "pkcs8", format: "pem" } });
  for (let round = 0; round < 10; ++round) {
    const text = randomText();
    const body = JSON.stringify({ from: "250788000001", to: "2020", channel: "sms",
      message_type: "text", text, message_uuid: `m-${round}`, timestamp: "2026-01-02T03:04:05Z" });
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: "Vonage", iat: now, jti: `t-${round}`, api_key: "abcd1234",
      payload_hash: hash(body) };
    const token = (algorithm, key, more = {}) => {
      const words = `${encoded({ alg: algorithm, typ: "JWT" })}.${encoded({ ...claims, ...more })}`;
      return `${words}.${createHmac("sha256", key).update(words).digest("base64url")}`;
    };
    const taken = async (bearer, sent = body) => {
      const lines = await parsed("vonage", url, { "Content-Type": "application/json",
        Authorization: `Bearer ${bearer}` }, sent, ...settings, `now=${now}`);
      return isRefused(lines) ? false : lines[0].text;
    };
    const good = token("HS256", secret);
    assert(verifySignature(good, secret), "what Vonage's library says of a token of this kind");
    assert.equal(await taken(good), text);
    for (const bad of [token("HS256", `${secret}.`), token("none", secret), `${good.slice(0, -2)}AA`,
      token("HS256", secret, { exp: now - 600 })]) {
      assert(!verifySignature(bad, secret), "what Vonage's library says of a bad one");
      assert.equal(await taken(bad), false);
    }
    assert.equal(await taken(good, `${body} `), false, "another body");
    const own = tokenGenerate("aaaaaaaa-bbbb-cccc-dddd-0123456789ab", privateKey, claims);
    assert.equal(await taken(own), false, "a token with which an application calls Vonage");
  }
}

// What `work`, with a vendor's library, asks of its vendor: the request goes to a server of our own.
async function sent(work) {
  let asked;
  const server = createServer((request, response) => {
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", () => {
      Object.assign(asked, { method: request.method, target: request.url, fields: request.headers,
        body: Buffer.concat(parts).toString() });
      response.writeHead(201, { "Content-Type": "application/json" }).end("{}");
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const original = https.request;
  https.request = (options, answered) => {
    asked = { origin: `https://${options.hostname ?? options.host}` };
    return plainRequest({ ...options, protocol: "http:", hostname: "127.0.0.1", host: "127.0.0.1",
      port: server.address().port, agent: undefined, agents: undefined }, answered);
  };
  try {
    await Promise.race([work().catch(() => {}), once(server, "request")]);
    for (let waits = 0; asked?.body === undefined && waits < 500; ++waits)
      await new Promise((resume) => setTimeout(resume, 10));
  } finally {
    https.request = original;
    server.close();
    server.closeAllConnections();
  }
  return asked;
}

// A request in words that do not depend on how it is written.
function meaning({ origin, method, target, fields, body }) {
  const isJson = fields["content-type"].startsWith("application/json");
  const values = isJson ? JSON.parse(body) : Object.fromEntries(new URLSearchParams(body));
  for (const [name, value] of Object.entries(values)) values[name] = String(value);
  return { origin, method, target, isJson, values, authorization: fields.authorization,
    apikey: fields.apikey };
}

// The golden texts of sending_test.cpp, as the vendor's own library sends them.
async function librariesSendAlike() {
  const send = {
    africastalking: ({ account, token, from, to, text }) =>
      africastalking({ username: account, apiKey: token }).SMS.send({ to, from, message: text }),
    messagebird: ({ token, from, to, text }) => promisify((body, done) =>
      messagebird.initClient(token).messages.create(body, done))(
      { originator: from, recipients: [to.slice(1)], body: text, datacoding: "auto" }),
    plivo: ({ account, token, from, to, text }) =>
      new plivo.Client(account, token).messages.create({ src: from, dst: to.slice(1), text }),
    telerivet: ({ account, token, to, text }) => promisify((body, done) =>
      new telerivet.API(token).initProjectById(account).sendMessage(body, done))(
      { to_number: to, content: text }),
    twilio: ({ account, token, from, to, text, validity }) => twilio(account, token).messages.create(
      { to, from, body: text, validityPeriod: Number(validity) }),
  };
  for (const [provider, work] of Object.entries(send)) {
    for (const name of ["send-accepted", "send-unicode"]) {
      const file = new URL(`../data/aggregators/${provider}/${name}.txt`, import.meta.url);
      if (!existsSync(file)) continue;
      const head = readFileSync(file, "utf8").split("\n\n")[0].split("\n");
      const given = Object.fromEntries(head.flatMap((line) => {
        const found = /^(?:set: (\w+)=|(to|text|validity): )(.*)$/.exec(line);
        return found ? [[found[1] ?? found[2], found[3]]] : [];
      }));
      const ours = JSON.parse(head.find((line) => line.startsWith("expect: ")).slice(8));
      assert.deepEqual(meaning(ours), meaning(await sent(() => work(given))), `${provider} ${name}`);
    }
  }
}

for (const check of [twilioSigns, plivoVerifies, messagebirdVerifies, vonageAgrees,
  librariesSendAlike]) {
  await check();
  console.log(`ok ${check.name}`);
}
