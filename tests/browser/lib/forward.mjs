// tests/browser/lib/forward.mjs: a browser on another host (hosts.mjs) that is driven by a port: the port is brought here.
//
//   node forward.mjs 'words that run a command there' SOCKET PROGRAM [ARGUMENTS]
//
// Files are the same on both sides: a second process there forwards the socket to the port that the browser says it listens at,
// and its words are passed on with a port of ours.

import { spawn } from 'node:child_process';
import net from 'node:net';
import readline from 'node:readline';

const [inside, socket, program, ...words] = process.argv.slice(2);
const run = (command, ...args) => {
  const [first, ...rest] = [...inside.split(' '), command, ...args];
  return spawn(first, rest, { stdio: ['ignore', 'inherit', 'pipe'] });
};

/** @param {string} port of the browser @returns {Promise<number>} ours */
async function bring(port) {
  const relay = `require('net').createServer((c) => { const b = require('net').connect(${port}, '127.0.0.1'); c.pipe(b).pipe(c); for (const s of [b, c]) s.on('error', () => { b.destroy(); c.destroy(); }); }).listen('${socket}', () => process.stderr.write('up\\n'))`;
  const there = run(process.execPath, '-e', relay);
  process.once('exit', () => there.kill()); // it would live on, and keep our caller's pipe open
  await new Promise((resolve) => there.stderr.once('data', resolve));
  const server = net.createServer((client) => {
    const far = net.connect(socket);
    client.once('data', (request) => { // the browser answers only those who call it by its own port
      far.write(request.toString('latin1').replace(/^(host: 127\.0\.0\.1:)\d+/im, `$1${port}`), 'latin1');
      client.pipe(far);
    });
    far.pipe(client);
    for (const end of [client, far]) end.on('error', () => [client, far].forEach((e) => e.destroy()));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  return /** @type {net.AddressInfo} */ (server.address()).port;
}

const browser = run(program, ...words);
readline.createInterface({ input: browser.stderr }).on('line', async (line) => {
  const port = /listening on ws:\/\/127\.0\.0\.1:(\d+)/.exec(line)?.[1];
  process.stderr.write(`${port ? line.replace(`:${port}`, `:${await bring(port)}`) : line}\n`);
});
browser.once('exit', (code) => process.exit(code ?? 1));
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => browser.kill());
