/**
 * The provider's official Node client sends texts and places calls through a simulator.
 * Arguments: base address, AccountSid, token, a number of the account. Exits 0 if all is as the client expects.
 */
import assert from "node:assert/strict";

import twilio from "twilio";

const [baseUrl, accountSid, token, from] = process.argv.slice(2);
const to = "+14255550123";
const twiml = "<Response><Say>Hello</Say></Response>";

function connect(password) {
  const client = twilio(accountSid, password);
  client.api.baseUrl = baseUrl;
  return client;
}

const client = connect(token);

/** Fetches until the record is as it should be. */
async function until(fetch, condition) {
  for (;;) {
    const record = await fetch();
    if (condition(record)) return record;
  }
}

async function messages() {
  const sent = [];
  for (const body of ["one", "two", "three"]) sent.push(await client.messages.create({ to, from, body }));
  assert.equal(sent[0].status, "queued");
  assert.equal(sent[0].numSegments, "1");
  const [{ sid }] = sent;
  const delivered = await until(() => client.messages(sid).fetch(), ({ status }) => status === "delivered");
  assert.equal(delivered.body, "one");
  assert.ok(delivered.dateSent instanceof Date);
  const listed = await client.messages.list({ to, dateSentAfter: new Date(Date.now() - 60_000), pageSize: 2 });
  assert.deepEqual(listed.map(({ body }) => body), ["three", "two", "one"]);
}

async function calls() {
  const { sid, status } = await client.calls.create({ to, from, twiml, statusCallbackEvent: ["initiated", "completed"] });
  assert.equal(status, "queued");
  await until(() => client.calls(sid).fetch(), (call) => call.status === "ringing");
  assert.equal((await client.calls(sid).update({ status: "completed" })).status, "canceled");
  assert.deepEqual((await client.calls.list({ to, status: "canceled" })).map((call) => call.sid), [sid]);
}

async function refusals() {
  await assert.rejects(client.messages.create({ to: "+15005550009", from, body: "x" }), { status: 400, code: 21614 });
  await assert.rejects(client.calls(`CA${"0".repeat(32)}`).fetch(), { status: 404, code: 20404 });
  await assert.rejects(connect("wrong").messages.list(), { status: 401, code: 20003 });
}

await messages();
await calls();
await refusals();
