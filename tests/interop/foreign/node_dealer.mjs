// A DEALER of Node's zeromq, told what to send: node_dealer.mjs MODULES ENDPOINT [IDENTITY]
//
// Each line of standard input is a JSON list of frames in base64, and is sent; each message that comes is printed so.
// It ends with its input.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [modules, endpoint, identity] = process.argv.slice(2);
const zmq = createRequire(modules + "/")("zeromq");
const dealer = new zmq.Dealer({ linger: 0, ...(identity && { routingId: identity }) });
dealer.connect(endpoint);

async function hear() {
  for await (const frames of dealer) {
    console.log(JSON.stringify(frames.map((frame) => frame.toString("base64"))));
  }
}

async function say() {
  for await (const line of createInterface({ input: process.stdin })) {
    await dealer.send(JSON.parse(line).map((frame) => Buffer.from(frame, "base64")));
  }
  dealer.close();
}

await Promise.all([hear(), say()]);
