// The only way out of a browser: a proxy that leads to one server, from an address of its own on this machine. Who is asked
// for beside that server is written down, and refused without looking their name up.
import { createServer } from 'node:http';
import { connect } from 'node:net';

// What chromium asks for whatever page it shows, to fill forms in.
const ITSELF = ['content-autofill.googleapis.com:443'];

// `to` is `host:port` as the browser asks for it; the server listens on loopback. `from` is the address that it sees.
export async function door(to, from) {
  const strangers = new Set();
  const proxy = createServer((request, answer) => {
    strangers.add(request.url);
    answer.writeHead(403).end();
  });
  proxy.on('connect', ({ url }, inside, head) => {
    inside.on('error', () => {});
    if (url !== to) {
      if (!ITSELF.includes(url)) strangers.add(url);
      return inside.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    }
    const outside = connect({ host: '127.0.0.1', port: Number(to.split(':')[1]), localAddress: from }, () => {
      inside.write('HTTP/1.1 200 OK\r\n\r\n');
      outside.write(head);
      outside.pipe(inside).pipe(outside);
    });
    outside.on('error', () => inside.destroy());
    inside.on('close', () => outside.destroy());
  });
  await new Promise((listening) => { proxy.listen(0, '127.0.0.1', listening); });
  return { server: `http://127.0.0.1:${proxy.address().port}`, strangers, close: () => { proxy.close(); proxy.closeAllConnections(); } };
}
