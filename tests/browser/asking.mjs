// Plain requests beside the browser, from any address of this machine.
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
