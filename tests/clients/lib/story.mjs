// How a client's script talks with the story that drives it: a line of JSON each way, so no secret stands in arguments.
import { createInterface } from 'node:readline';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const next = async () => JSON.parse((await lines.next()).value);
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

// Who and where: the first line.
export const given = await next();

// Somebody opens an address and does what its pages ask; what the application's own address would receive comes back:
// { url, form }, the latter for an answer in a form. At a loopback address it was delivered already.
export async function visit(url) {
  say({ visit: url });
  return next();
}

// Somebody types a device's code and says yes. The program polls meanwhile.
export async function enter({ address, code }) {
  say({ device: { address, code } });
  return next();
}

// What arrived, as the request that a web application sees.
export function request({ url, form }) {
  return form ? new Request(url, { method: 'POST', body: new URLSearchParams(form) }) : new Request(url);
}

// Runs the flow that the story names and tells what it gave.
export async function run(flows) {
  const flow = flows[process.argv[2]];
  if (!flow) throw new Error(`no flow \`${process.argv[2]}\`; there are ${Object.keys(flows).join(', ')}`);
  try {
    say({ done: await flow() });
  } catch (error) {
    // The libraries nest their causes; the innermost one says what the server sent.
    let cause = error;
    while (cause.cause instanceof Error) cause = cause.cause;
    say({ failed: { name: error.name, message: error.message, code: error.code ?? error.errorCode, error: error.error ?? cause.error, codes: error.errorResponse?.errorCodes, suberror: error.subError || undefined, claims: error.claims || undefined, cause: `${cause.name}: ${cause.message}`, stack: error.stack, body: error.cause?.body ?? error.cause } });
  }
  process.exit(0);
}
