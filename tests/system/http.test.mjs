// tests/system/http.test.mjs: the HTTP side, held to server/gateway/openapi.yaml: every operation with every status it names, the
// schema of every answer, and what the file does not say: security headers, methods, metrics, what is refused.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from './lib/client.mjs';
import { makeOffer } from './lib/offer.mjs';
import { Peer } from './lib/peer.mjs';
import { rawRequest } from './lib/raw_http.mjs';
import { schemaFaults } from './lib/schema.mjs';
import { end, Server } from './lib/server.mjs';
import { until } from './lib/until.mjs';

let server;
let openapi;
/** "GET /path 200" of everything that was held to its description. */
const covered = new Set();

before(async () => {
  server = await Server.start({ workers: 2 });
  // YAML, and JSON as well: it says so itself.
  openapi = await (await server.api('/api/v1/openapi.yaml')).json();
  assert.deepEqual(JSON.parse((await ask('GET', '/api/v1/openapi.yaml')).body), openapi);
});

after(() => end(server));

/** Asks for `path`, described as `template`, and holds the answer to the description. */
async function ask(method, template, { path = template, token = server.adminToken } = {}) {
  const response = await fetch(new URL(path, server.url), { method, headers: token === null ? {} : { authorization: `Bearer ${token}` }, redirect: 'manual' });
  const described = openapi.paths[template]?.[method.toLowerCase()]?.responses[response.status];
  const where = `${method} ${path}: ${response.status}`;
  assert.ok(described, `${where} is not described`);
  covered.add(`${method} ${template} ${response.status}`);
  const text = await response.text();
  const type = response.headers.get('content-type')?.split(';')[0];
  assert.equal(type ?? undefined, described.content && Object.keys(described.content)[0], where);
  if (!described.content) assert.equal(text, '', where);
  const body = type?.endsWith('json') ? JSON.parse(text) : text;
  if (type?.endsWith('json')) assert.deepEqual(schemaFaults(openapi, described.content[type].schema, body), [], where);
  if (type === 'application/problem+json') assert.equal(body.status, response.status, where);
  return { status: response.status, headers: response.headers, body };
}

test('health, readiness, version, tokens of --dev', async () => {
  assert.equal((await ask('GET', '/healthz', { token: null })).body, 'ok\n');
  assert.equal((await ask('GET', '/readyz', { token: null })).status, 200);
  assert.match((await ask('GET', '/version', { token: null })).body.version, /^\d+\.\d+/);
  assert.match((await ask('GET', '/dev/token', { path: '/dev/token?room=a&name=B&role=patient', token: null })).body.token, /^[\w-]+\.[\w-]+\.[\w-]+$/);
  assert.equal((await ask('GET', '/dev/token', { path: '/dev/token?room=a%2Fb', token: null })).status, 400);
  const trial = (await ask('GET', '/v1/test-room', { token: await server.token({ room: 'a', name: 'B', role: 'patient' }) })).body;
  assert.notEqual(trial.sender, trial.receiver);
  for (const token of [null, server.adminToken]) assert.equal((await ask('GET', '/v1/test-room', { token })).status, 401, 'an access token opens it, the admin\'s does not');
  assert.equal((await ask('GET', '/dev/token', { path: '/dev/token?role=surgeon', token: null })).status, 400);
});

test('rooms and people of a call, and their end', async () => {
  const anna = await Peer.join(server, { room: 'http-1', name: 'Anna', identity: 'anna' }, { simulcast: true, camera: { width: 640, height: 360, fps: 10 } });
  const ben = await Peer.join(server, { room: 'http-1', name: 'Ben', role: 'patient' });
  const observer = await Client.join(server, { room: 'http-1', name: 'Observer', role: 'observer' });
  const other = await Client.join(server, { room: 'http-2', name: 'Else' });
  await ben.perceives(anna);
  await anna.perceives(ben);
  const { rooms } = (await ask('GET', '/api/v1/rooms')).body;
  assert.deepEqual(rooms.map((r) => [r.room, r.participants, r.hidden, r.tracks]).sort(), [['http-1', 2, 1, 4], ['http-2', 1, 0, 0]]);
  const at = '/api/v1/rooms/{room}';
  const { body } = await ask('GET', at, { path: '/api/v1/rooms/http-1' });
  assert.deepEqual(body.participants.map((p) => [p.name, p.hidden, p.connected]), [['Anna', false, true], ['Ben', false, true], ['Observer', true, true]]);
  const [first] = body.participants;
  assert.equal(first.transport.state, 'connected');
  assert.ok(first.transport.bytesReceived > 1000 && first.transport.bytesSent > 1000);
  const camera = first.tracks.find((t) => t.source === 'camera');
  assert.ok(camera.bitrateBps > 1000 && camera.receivers === 1 && camera.received.some((l) => l.packets > 0 && l.codec === 'VP8'));
  assert.ok(first.sent.every((s) => s.packets > 0));

  const person = `${at}/participants/{participant}`;
  await ask('DELETE', person, { path: `/api/v1/rooms/http-1/participants/${ben.id}` });
  assert.equal((await ben.client.closeCode()), 4001);
  assert.equal((await anna.client.event('participantLeft')).reason, 'kicked');
  assert.equal((await ask('DELETE', person, { path: `/api/v1/rooms/http-1/participants/${ben.id}` })).body.code, 'participant_not_found');
  await ask('DELETE', at, { path: '/api/v1/rooms/http-1' });
  assert.deepEqual([await anna.client.closeCode(), await observer.closeCode()], [4002, 4002]);
  assert.equal((await ask('GET', at, { path: '/api/v1/rooms/http-1' })).body.code, 'room_not_found');
  await ask('DELETE', at, { path: '/api/v1/rooms/http-1' });
  assert.equal((await ask('DELETE', person, { path: '/api/v1/rooms/http-1/participants/p_1' })).status, 404);
  await other.request('ping'); // another room is not touched
  await Promise.all([anna.leave(), ben.leave(), other.close()]);
});

test('without the admin token 401 and nothing else', async () => {
  const paths = { '/metrics': ['GET'], '/api/v1/openapi.yaml': ['GET'], '/api/v1/rooms': ['GET'], '/api/v1/rooms/{room}': ['GET', 'DELETE'], '/api/v1/rooms/{room}/participants/{participant}': ['DELETE'] };
  for (const [template, methods] of Object.entries(paths)) {
    for (const method of methods) {
      for (const token of [null, '', 'x', `${server.adminToken}x`, server.adminToken.slice(1), server.adminToken.toUpperCase()]) {
        const { status, headers } = await ask(method, template, { path: template.replace('{room}', 'http-2').replace('{participant}', 'p_1'), token });
        assert.equal(status, 401);
        assert.match(headers.get('www-authenticate'), /^Bearer/);
      }
    }
  }
  // Nor by other ways of saying it.
  for (const headers of [[`Authorization: Basic ${server.adminToken}`], [`Authorization: ${server.adminToken}`], ['Cookie: token=x']])
    assert.equal((await rawRequest(server.url, ['GET /metrics HTTP/1.1', ...headers])).status, 401);
  assert.equal((await rawRequest(server.url, [`GET /metrics?token=${server.adminToken} HTTP/1.1`])).status, 401);
});

test('a worker that does not answer: 503, and the room list says so rather than less', { timeout: 30_000 }, async () => {
  const room = 'http-stopped';
  const client = await Client.join(server, { room, name: 'One' });
  const workers = [...server.children()].filter(([name]) => name.startsWith('worker'));
  for (const [, pid] of workers) process.kill(pid, 'SIGSTOP');
  try {
    const at = `/api/v1/rooms/${room}`;
    const [list, one, removal, all] = await Promise.all([
      ask('GET', '/api/v1/rooms'), ask('GET', '/api/v1/rooms/{room}', { path: at }),
      ask('DELETE', '/api/v1/rooms/{room}/participants/{participant}', { path: `${at}/participants/p_1` }),
      ask('DELETE', '/api/v1/rooms/{room}', { path: at }),
    ]);
    assert.deepEqual([list, one, removal, all].map((r) => r.status), [503, 503, 503, 503]);
  } finally {
    for (const [, pid] of workers) process.kill(pid, 'SIGCONT');
  }
  await until(async () => (await ask('GET', '/api/v1/rooms')).status === 200, 'the list is back');
  client.socket.terminate();
});

test('readiness: 503 without a worker', { timeout: 30_000 }, async () => {
  const single = await Server.start();
  const before = server;
  server = single;
  try {
    process.kill(single.children().get('worker 0'), 'SIGKILL');
    await until(async () => (await ask('GET', '/readyz', { token: null })).status === 503, 'not ready', { every: 1 });
    await until(async () => (await ask('GET', '/readyz', { token: null })).status === 200, 'ready again');
  } finally {
    server = before;
    await end(single, { killed: 1 });
  }
});

test('other paths 404, other methods 405, as RFC 9457 problems', async () => {
  const ask9457 = async (method, path) => {
    const response = await server.api(path, { method });
    const text = await response.text();
    if (method !== 'HEAD' && response.status !== 204 && text) {
      assert.equal(response.headers.get('content-type'), 'application/problem+json', `${method} ${path}`);
      const problem = JSON.parse(text);
      const { code, ...rfc } = problem;
      assert.deepEqual(Object.keys(rfc).filter((k) => k !== 'detail').sort(), ['status', 'title', 'type'], 'RFC 9457 §3.1');
      assert.equal(problem.status, response.status);
      if (path.startsWith('/api/v1/')) assert.equal(typeof code, 'string');
    }
    return response.status;
  };
  for (const path of ['/nothing', '/api', '/api/', '/api/v1', '/api/v1/', '/api/v1/rooms/', '/api/v1/rooms/a/b', '/api/v1/rooms/a%20b', '/api/v1/rooms/a/participants', '/api/v1/rooms/a/participants/', '/api/v2/rooms', '/dev/', '/metrics/x'])
    assert.equal(await ask9457('GET', path), 404, path);
  for (const [method, path] of [['POST', '/'], ['PUT', '/api/v1/rooms'], ['DELETE', '/metrics'], ['POST', '/healthz'], ['DELETE', '/version'], ['PATCH', '/api/v1/rooms/a'], ['POST', '/api/v1/rooms/a'], ['GET', '/api/v1/rooms/a/participants/p_1'], ['OPTIONS', '/api/v1/rooms']])
    assert.equal(await ask9457(method, path), 405, `${method} ${path}`);
  const notAllowed = await server.api('/api/v1/rooms/a', { method: 'PATCH' });
  assert.equal(notAllowed.headers.get('allow'), 'GET, DELETE', 'RFC 9110 §15.5.6: MUST generate an Allow header field');
});

test('every page and file has its headers', async () => {
  const page = await fetch(server.url);
  const html = await page.text();
  const links = [...html.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map((m) => m[1]);
  assert.ok(links.length > 2);
  for (const path of ['/', ...links]) {
    const response = await fetch(new URL(path, server.url));
    assert.equal(response.status, 200, path);
    await response.arrayBuffer();
    const wanted = {
      'x-content-type-options': /^nosniff$/, 'referrer-policy': /^no-referrer$/, 'x-frame-options': /^DENY$/, 'cross-origin-opener-policy': /^same-origin$/,
      'cross-origin-resource-policy': /^same-origin$/, 'permissions-policy': /camera=\(self\)/,
      'content-security-policy': /default-src 'self'.*frame-ancestors 'none'/, 'content-type': /^(text|application|image)\//,
    };
    for (const [name, value] of Object.entries(wanted)) assert.match(response.headers.get(name) ?? '', value, `${path}: ${name}`);
    assert.doesNotMatch(response.headers.get('content-security-policy'), /unsafe-(inline|eval)|\*/, path);
    assert.equal(response.headers.get('server'), null, 'no name and version for a scanner');
  }
  assert.doesNotMatch(html, /<script(?![^>]*src=)|<style|\son\w+=|style="/, 'nothing inline, which the CSP would block');
  const api = await server.api('/api/v1/rooms');
  assert.match(api.headers.get('content-security-policy'), /default-src 'none'/);
  assert.equal(api.headers.get('cache-control'), 'no-store');
  const etag = page.headers.get('etag');
  const second = await rawRequest(server.url, ['GET / HTTP/1.1', 'Accept-Encoding: gzip', `If-None-Match: ${etag}`]);
  assert.deepEqual([second.status, second.body], [304, '']);
  assert.equal((await rawRequest(server.url, ['GET / HTTP/1.1', `If-None-Match: ${etag}`])).status, 200, 'the tag of the compressed form');
  const head = await rawRequest(server.url, ['HEAD / HTTP/1.1']);
  assert.deepEqual([head.status, head.body, Number(head.headers['content-length'])], [200, '', Buffer.byteLength(html)]);
});

test('the call page and its script: less than 40 % of the bytes for who accepts gzip, the same files', async () => {
  const html = await (await server.api('/')).text();
  const [, script] = /<script type="module" src="([^"]+)"/.exec(html);
  const total = { identity: 0, gzip: 0 };
  for (const path of ['/', '/style.css', '/app/room.css', '/app/lobby.css', '/i18n/en.json', script]) {
    const texts = [];
    for (const coding of ['identity', 'gzip']) {
      const response = await fetch(new URL(path, server.url), { headers: { 'accept-encoding': coding } });
      assert.equal(response.headers.get('vary'), 'Accept-Encoding', path);
      assert.equal(response.headers.get('content-encoding'), coding === 'gzip' ? coding : null, path);
      total[coding] += Number(response.headers.get('content-length'));
      texts.push(await response.text());
    }
    assert.equal(texts[0], texts[1], path);
  }
  assert.ok(total.gzip > 40_000 && total.gzip * 2.5 < total.identity, JSON.stringify(total));
});

test('nothing outside the web folder, and no request that is no HTTP', async () => {
  const root = 'GET /../../../../etc/passwd HTTP/1.1';
  const paths = [root, 'GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1', 'GET /..%2f..%2fetc/passwd HTTP/1.1', 'GET //etc/passwd HTTP/1.1', 'GET /sdk/..%5c..%5cREADME.md HTTP/1.1', 'GET /.git/config HTTP/1.1', 'GET /sdk/%00.js HTTP/1.1', 'GET /sdk HTTP/1.0'];
  for (const line of paths) {
    const { status, body } = await rawRequest(server.url, [line]);
    assert.ok([0, 308, 400, 403, 404].includes(status), `${line}: ${status}`);
    assert.doesNotMatch(body, /root:|\[core\]/, line);
  }
  const odd = {
    'a header of 32 KiB': ['GET / HTTP/1.1', `X: ${'x'.repeat(32768)}`], 'CONNECT': ['CONNECT example.org:443 HTTP/1.1'],
    'a body too large': ['POST /api/v1/rooms HTTP/1.1', 'Content-Length: 99999999'], 'a negative length': ['POST /api/v1/rooms HTTP/1.1', 'Content-Length: -1'],
    'chunks': ['POST /api/v1/rooms HTTP/1.1', 'Transfer-Encoding: chunked'], 'garbage': ['\u0016\u0003\u0001\u0002\u0000\u0001'],
    'HTTP/2': ['PRI * HTTP/2.0'],
  };
  for (const [name, lines] of Object.entries(odd)) {
    const { status } = await rawRequest(server.url, lines);
    assert.ok(status === 0 || status >= 400, `${name}: ${status}`);
  }
  assert.equal((await fetch(new URL('/healthz', server.url))).status, 200);
});

test('metrics: Prometheus text 0.0.4, base units, nothing personal', async () => {
  const room = 'http-secret-room';
  const client = await Client.join(server, { room, name: 'Secret Name', identity: 'secret-identity' });
  await client.request('offer', { sdp: await makeOffer() });
  const parsed = await until(async () => {
    const { headers, body: text } = await ask('GET', '/metrics');
    assert.equal(headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    for (const secret of [room, 'Secret', 'secret-identity', client.id, client.welcome.session, '127.0.0.1', server.adminToken]) assert.ok(!text.includes(secret), secret);
    const families = parseMetrics(text);
    const rooms = families.get('consilium_rooms')?.samples.reduce((sum, s) => sum + s.value, 0);
    return rooms > 0 && families;
  }, 'the room counted');
  for (const [name, { type, help, samples }] of parsed) {
    assert.match(name, /^consilium_[a-z0-9_]+$/);
    assert.ok(help.length > 5, name);
    assert.equal(type === 'counter', name.endsWith('_total'), `${name} is a ${type}`);
    assert.doesNotMatch(name, /_(ms|us|milliseconds|microseconds|kb|kbps|mb|percent)(_|$)/, 'base units');
    for (const { labels, value } of samples) {
      assert.ok(Number.isFinite(value) && (type !== 'counter' || value >= 0), name);
      for (const key of Object.keys(labels)) assert.match(key, /^(worker|reason|result|version|commit|le|quantile|direction|from|code|type|kind|outcome|cause|pair|quality|to)$/, `${name} ${key}`);
    }
    const keys = samples.map((s) => `${s.name}${JSON.stringify(s.labels)}`);
    assert.equal(new Set(keys).size, keys.length, `${name}: a sample twice`);
  }
  for (const name of ['consilium_build_info', 'consilium_websockets', 'consilium_participants', 'consilium_rtp_received_packets_total', 'consilium_dropped_packets_total', 'consilium_worker_up'])
    assert.ok(parsed.has(name), name);
  assert.deepEqual(parsed.get('consilium_worker_up').samples.map((s) => [s.labels.worker, s.value]), [['0', 1], ['1', 1]]);
  await client.close();
});

test('every operation and status of the file was met', () => {
  const described = Object.entries(openapi.paths).flatMap(([path, operations]) =>
    Object.entries(operations).filter(([method]) => method !== 'parameters').flatMap(([method, { responses }]) => Object.keys(responses).map((status) => `${method.toUpperCase()} ${path} ${status}`)));
  assert.deepEqual(described.filter((d) => !covered.has(d)), []);
});

/** The exposition format, strictly. */
function parseMetrics(text) {
  assert.ok(text.endsWith('\n'));
  const families = new Map();
  for (const line of text.split('\n').slice(0, -1)) {
    const help = /^# HELP (\S+) (.+)$/.exec(line);
    const type = /^# TYPE (\S+) (counter|gauge|histogram|summary)$/.exec(line);
    const sample = /^([a-zA-Z_:][\w:]*)(?:\{((?:\w+="(?:[^"\\]|\\["\\n])*",?)*)\})? (\S+)$/.exec(line);
    if (help) {
      assert.ok(!families.has(help[1]), `${help[1]} twice`);
      families.set(help[1], { help: help[2], samples: [] });
    } else if (type) {
      families.get(type[1]).type = type[2];
    } else {
      assert.ok(sample, line);
      const family = families.get(sample[1]) ?? families.get(sample[1].replace(/_(bucket|sum|count)$/, ''));
      assert.ok(family?.type, `${line}: before its TYPE`);
      const labels = Object.fromEntries([...(sample[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map((m) => [m[1], m[2]]));
      family.samples.push({ name: sample[1], labels, value: Number(sample[3]) });
    }
  }
  return families;
}
