// Plain requests beside the browser, from any address of this machine.
import { createHmac } from 'node:crypto';
import { request } from 'node:https';

// `from` is the address that the server sees, such as 127.0.0.2.
export function post(url, fields, from = undefined, headers = {}) {
  return new Promise((resolve, reject) => {
    const options = { method: 'POST', rejectUnauthorized: false, localAddress: from, family: 4, headers: { 'Content-Type': 'application/x-www-form-urlencoded', 'User-Agent': 'AZURECLI/2.91.0 (PIP)', ...headers } };
    const call = request(url, options, (answer) => {
      let text = '';
      answer.on('data', (part) => { text += part; });
      answer.on('end', () => (answer.statusCode === 200 ? resolve(JSON.parse(text)) : reject(new Error(`${answer.statusCode} ${text.slice(0, 500)}`))));
    });
    call.on('error', reject);
    call.end(new URLSearchParams(fields).toString());
  });
}

// The six digits of now (RFC 6238), as an authenticator app shows them.
export function totp(secret) {
  const bits = [...secret.replace(/[\s=]/g, '').toUpperCase()].map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const digest = createHmac('sha1', key).update(step).digest();
  return String((digest.readUInt32BE(digest.at(-1) & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}
