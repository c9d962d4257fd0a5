// tests/system/command_line.test.mjs: the program as an operator meets it: its options, its messages and exit codes, its start and
// its end, with nothing left behind.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { after, before, test } from 'node:test';
import { Client } from './lib/client.mjs';
import { Peer } from './lib/peer.mjs';
import { end, Server } from './lib/server.mjs';
import { until, within } from './lib/until.mjs';

const binary = process.env.CONSILIUM ?? new URL('../../build/release/consilium', import.meta.url).pathname;
let folder;

before(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'line-'));
});

after(() => fs.rmSync(folder, { recursive: true }));

function run(args, { input, env = {} } = {}) {
  const { status, stdout, stderr } = spawnSync(binary, args, { encoding: 'utf8', timeout: 10_000, input, env: { PATH: process.env.PATH, ...env } });
  return { status, stdout, stderr };
}

function file(name, text, mode = 0o600) {
  const at = path.join(folder, name);
  fs.writeFileSync(at, text, { mode });
  return at;
}

const SECRET = 'the-secret-of-the-command-line-test-0123456789';
const ADMIN = 'the-admin-token-0123456789';
const GOOD = `# a comment
tokens:
  secret: "${SECRET}"
admin:
  token: "${ADMIN}"
http:
  listen: ["127.0.0.1:0"]
ice_servers:
  - urls: ["turn:turn.example.org:3478"]
    username: somebody
    credential: the-turn-credential
`;

async function freePort() {
  const listener = net.createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address();
  listener.close();
  return port;
}

test('--version and --help', () => {
  const version = run(['--version']);
  assert.deepEqual([version.status, version.stderr], [0, '']);
  assert.match(version.stdout, /^consilium \d+\.\d+\.\d+/);
  assert.match(version.stdout, /OpenSSL|libwebsockets|libsrtp/, 'what it runs with');
  const help = run(['--help']);
  assert.equal(help.status, 0);
  for (const option of ['--config', '--dev', '--lan', '--check-config', '--print-config', '--set', '--http', '--media-port', '--workers', '--log-level', '--version'])
    assert.ok(help.stdout.includes(option), option);
  assert.ok(help.stdout.split('\n').every((line) => line.length <= 100));
  assert.match(run(['token', '--help']).stdout, /--room/);
  assert.match(run(['--keys']).stdout, /^http\.listen\b/m);
});

test('wrong options: a message that names them, and a status that is not 0', () => {
  for (const [args, word] of [[['--colour'], 'colour'], [['start'], 'start'], [['--set'], 'set'], [['token'], 'room'], [['token', '--room', 'a', '--identity', 'b', '--ttl', '0'], 'ttl']]) {
    const { status, stderr, stdout } = run(args);
    assert.ok(status > 0, args.join(' '));
    assert.ok(stderr.includes(word), stderr);
    assert.equal(stdout, '');
  }
  for (const args of [['gateway'], ['worker', '0']]) assert.match(run(args).stderr, /supervisor/);
});

test('--check-config: 0 for good settings, 2 with file and line for bad ones', () => {
  const good = run(['-c', file('good.yaml', GOOD), '--check-config']);
  assert.deepEqual([good.status, good.stderr], [0, '']);
  const bad = {
    'an unknown key': ['tokens:\n  secret: "x"\nhttp:\n  lissten: ["127.0.0.1:80"]\n', 4, 'lissten'],
    'an unknown section': [`${GOOD}unknown:\n  a: 1\n`, 12, 'unknown'],
    'a number out of range': [`${GOOD}media:\n  port: 70000\n`, 13, 'port'],
    'a word for a number': [`${GOOD}media:\n  workers: many\n`, 13, 'workers'],
    'no YAML': [`${GOOD}media: [\n`, null, ''],
    'a tab': [`${GOOD}media:\n\tport: 1\n`, null, ''],
    'a choice that is none': [`${GOOD}log:\n  level: loud\n`, 13, 'level'],
    'a key twice': [`${GOOD}tokens:\n  secret: "${SECRET}"\n`, null, 'tokens'],
  };
  for (const [name, [text, line, word]] of Object.entries(bad)) {
    const at = file('bad.yaml', text);
    const { status, stderr } = run(['-c', at, '--check-config']);
    assert.equal(status, 2, `${name}: ${stderr}`);
    assert.ok(stderr.includes('bad.yaml'), `${name}: ${stderr}`);
    if (line) assert.match(stderr, new RegExp(`bad\\.yaml:${line}\\b`), name);
    assert.ok(stderr.includes(word), `${name}: ${stderr}`);
    assert.ok(!stderr.includes(SECRET), 'no secret in a message');
    assert.equal(run(['-c', at]).status, 2, `${name}: nor does it start`);
  }
  assert.equal(run(['-c', path.join(folder, 'missing.yaml'), '--check-config']).status, 2);
  // What is wrong in its meaning, or in more than one place, is named by its key.
  const address = run(['-c', file('bad.yaml', GOOD.replace('127.0.0.1:0', 'nowhere')), '--check-config']);
  assert.deepEqual([address.status, address.stderr.includes('http.listen') && address.stderr.includes('nowhere')], [2, true]);
  const short = run(['-c', file('short.yaml', GOOD.replace(SECRET, 'short')), '--check-config']);
  assert.deepEqual([short.status, short.stderr.includes('secret')], [2, true]);
  const readable = file('readable', `${SECRET}\n`, 0o644);
  const open = run(['-c', file('open.yaml', `tokens:\n  secret_file: ${readable}\n`), '--check-config']);
  assert.equal(open.status, 2, 'a secret that others can read');
});

test('--print-config: what applies, from file, environment and command line, secrets masked', () => {
  const at = file('print.yaml', `${GOOD}log:\n  level: debug\n  format: json\nrooms:\n  max_participants: 7\n`);
  const { status, stdout } = run(['-c', at, '--set', 'log.level=error', '--print-config'], { env: { CONSILIUM_LOG_LEVEL: 'warn', CONSILIUM_ROOMS_MAX_PARTICIPANTS: '9' } });
  assert.equal(status, 0);
  assert.match(stdout, /level: "?error/, 'the command line is strongest');
  assert.match(stdout, /max_participants: 9/, 'then the environment');
  assert.match(stdout, /format: "?json/, 'then the file');
  for (const secret of [SECRET, ADMIN, 'the-turn-credential']) assert.ok(!stdout.includes(secret), secret);
  // What it prints can be read again, but for the secrets.
  const again = run(['-c', file('again.yaml', stdout), '--set', `tokens.secret=${SECRET}`, '--set', `admin.token=${ADMIN}`, '--check-config']);
  assert.equal(again.status, 0, again.stderr);
});

test('`consilium token` makes one that the server takes', async () => {
  const config = file('token.yaml', `tokens:\n  secret: "${SECRET}"\n`);
  const made = run(['token', '-c', config, '--room', 'r-1', '--identity', 'dr-lee', '--name', 'Dr. Lee', '--role', 'doctor', '--ttl', '60']);
  assert.deepEqual([made.status, made.stderr], [0, '']);
  assert.equal(run(['token', '-c', config, '--room', 'a b', '--identity', 'x']).status, 1);
  assert.equal(run(['token', '-c', config, '--room', 'a', '--identity', 'x', '--role', 'nurse']).status, 1);
  const server = await Server.start({ args: ['--set', `tokens.secret=${SECRET}`] });
  try {
    const client = await Client.hello(server, { token: made.stdout.trim() });
    const { room, identity, name, role } = client.welcome;
    assert.deepEqual({ room, identity, name, role }, { room: 'r-1', identity: 'dr-lee', name: 'Dr. Lee', role: 'doctor' });
    await client.close();
  } finally {
    await end(server);
  }
});

test('--dev does not listen for the world; a port in use is said', async () => {
  for (const address of ['0.0.0.0:18099', '[::]:18099', '192.0.2.1:18099']) {
    const { status, stderr } = run(['--dev', '--http', address]);
    assert.equal(status, 2, stderr);
    assert.ok(stderr.includes(address) && stderr.includes('--lan'), stderr);
  }
  const listener = net.createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = `127.0.0.1:${listener.address().port}`;
  const { status, stderr } = run(['--dev', '--http', address]);
  listener.close();
  assert.ok(status > 0);
  assert.match(stderr, /in use/);
});

/** Pids of the processes of session or group `leader`, or that have it as parent. */
function family(leader) {
  return fs.readdirSync('/proc').filter((pid) => {
    try {
      const [state, ppid, pgrp, session] = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').pop().split(' ');
      return /^\d+$/.test(pid) && state !== 'Z' && [Number(pid), Number(ppid), Number(pgrp), Number(session)].includes(leader);
    } catch {
      return false;
    }
  });
}

/** Starts in a session of its own, as in a terminal, and waits for the line that says ready. */
async function startInSession(args) {
  const runtime = fs.mkdtempSync(path.join(folder, 'run-'));
  const child = spawn(binary, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env.PATH, XDG_RUNTIME_DIR: runtime } });
  const log = [];
  readline.createInterface({ input: child.stderr }).on('line', (line) => log.push(line));
  const began = performance.now();
  const ready = new Promise((resolve) => readline.createInterface({ input: child.stdout }).on('line', (line) => line.startsWith('ready ') && resolve(line.split(' ')[1])));
  const url = await within(ready, () => `ready; ${log.join('\n')}`);
  return { child, url, runtime, log, took: performance.now() - began, exited: once(child, 'exit') };
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  test(`${signal} in the middle of a call ends every process within 2 s and leaves nothing`, { timeout: 40_000 }, async (t) => {
    const started = [];
    t.after(() => {
      for (const { child } of started) if (child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
    });
    const [http, media] = [await freePort(), 20_000 + Math.floor(Math.random() * 20_000)];
    const start = async () => {
      started.push(await startInSession(['--dev', '--http', `127.0.0.1:${http}`, '--media-port', String(media), '--workers', '2']));
      return started.at(-1);
    };
    const first = await start();
    const server = { url: first.url, token: async (fields) => (await (await fetch(new URL(`/dev/token?${new URLSearchParams(fields)}`, first.url))).json()).token };
    const [a, b] = await Promise.all(['A', 'B'].map((name) => Peer.join(server, { room: 'end', name }, { camera: { fps: 5 } })));
    t.after(() => Promise.all([a.leave(), b.leave()]));
    await a.perceives(b);
    assert.equal(family(first.child.pid).length, 4, 'supervisor, gateway, two workers');
    assert.equal(fs.readdirSync(first.runtime).length, 1);
    const closes = [a, b].map((p) => p.client.closed);
    for (const p of [a, b]) p.held = true; // no coming back
    const began = performance.now();
    process.kill(-first.child.pid, signal); // as the terminal does: to all of them
    const [status] = await within(first.exited, 'the end');
    const took = performance.now() - began;
    assert.equal(status, 0, first.log.join('\n'));
    assert.ok(took < 2000, `${took.toFixed(0)} ms`);
    assert.deepEqual(family(first.child.pid), [], 'processes left');
    assert.deepEqual(fs.readdirSync(first.runtime), [], 'files left');
    assert.ok(!first.log.some((line) => line.includes('process_died')), first.log.join('\n'));
    for (const { code } of await Promise.all(closes)) assert.equal(code, 1001);

    // The same ports, at once.
    const second = await start();
    assert.ok(second.took < 2000, `ready after ${second.took.toFixed(0)} ms`);
    process.kill(second.child.pid, signal);
    assert.deepEqual(await within(second.exited, 'the end'), [0, null]);
  });
}

test('a drain: no new rooms, the call goes on, the end comes with its last', { timeout: 30_000 }, async () => {
  const server = await Server.start({ args: ['--set', 'limits.drain_seconds=20'] });
  const tokens = { fresh: await server.token({ room: 'other', name: 'New' }), inside: await server.token({ room: 'drain', name: 'C', identity: 'c' }) };
  const [a, b] = await Promise.all(['A', 'B'].map((name) => Peer.join(server, { room: 'drain', name }, { camera: { fps: 5 } })));
  await a.perceives(b);
  server.child.kill('SIGTERM');
  await a.client.event('draining');
  assert.equal((await fetch(new URL('/readyz', server.url))).status, 503);
  assert.equal((await fetch(new URL('/healthz', server.url))).status, 200);
  const stranger = await Client.open(server.url);
  assert.equal(await stranger.refusal('hello', { version: 1, token: tokens.fresh }), 'draining');
  const third = await Client.hello(server, { token: tokens.inside });
  await third.join();
  await a.perceives(b);
  assert.equal((await a.received()).lost, 0);
  assert.equal(server.child.exitCode, null);
  await third.request('leave');
  await Promise.all([third, stranger].map((c) => c.close()));
  await Promise.all([a, b].map((p) => p.leave()));
  server.child.kill('SIGTERM'); // their sessions could resume for a minute; the second signal does not wait for that
  await end(server);
});

test('no secret in the log, in arguments or in the environment of any process', async () => {
  const server = await Server.start({ args: ['--log-level', 'debug', '--set', `tokens.secret=${SECRET}`] });
  const peer = await Peer.join(server, { room: 'quiet', name: 'Very Private Name', identity: 'private-identity' }, { camera: { fps: 5 } });
  await peer.client.request('chat', { text: 'private text' });
  const { resumeKey } = peer.client.welcome;
  for (const pid of server.children().values()) {
    for (const what of ['cmdline', 'environ']) {
      const text = fs.readFileSync(`/proc/${pid}/${what}`, 'latin1');
      assert.ok(!text.includes(SECRET) && !text.includes(server.adminToken), what);
    }
  }
  await peer.leave();
  await end(server);
  const log = server.log.split('\n').filter((line) => !line.includes('/admin')).join('\n'); // --dev prints its link
  for (const secret of [SECRET, server.adminToken, resumeKey, 'private text', /ice-pwd:\S+/.exec(peer.answer)[0]]) assert.ok(!log.includes(secret), secret);
  const info = log.split('\n').filter((line) => !/ debug /.test(line)).join('\n');
  for (const personal of ['Very Private Name', 'private-identity', 'quiet']) assert.ok(!info.includes(personal), `${personal} at info`);
});
