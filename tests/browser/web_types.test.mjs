// tests/browser/web_types.test.mjs: the SDK and the pages are typed (strict), and a TypeScript program can use the package
// that sdk_package.sh makes of the SDK.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';

const here = new URL('.', import.meta.url).pathname;
const tsc = path.join(here, 'node_modules/typescript/bin/tsc');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'consilium-types-'));

after(() => fs.rmSync(folder, { recursive: true }));

const compile = (...args) => spawnSync(process.execPath, [tsc, ...args], { encoding: 'utf8', cwd: folder });

const STRICT = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--target', 'es2023', '--module', 'es2022', '--moduleResolution', 'bundler', '--lib', 'es2023,dom,dom.iterable'];

const PROGRAM = `
import { createClient, ConsiliumError, Pointer, Stills, takePhoto, type ChatMessage, type ConnectionQuality, type IncomingCall, type OutgoingCall, type Room, type Source } from 'consilium-client';

const client = createClient({ token: async () => 'token', url: 'https://call.example.org' });
const off: () => void = client.on('reconnecting', () => {});
const room: Room = await client.join({ topology: 'never' });
room.on('participantConnected', (p) => p.name.length + p.joinedAt);
room.on('trackSubscribed', (track, publication, participant) => {
  const element: HTMLMediaElement = track.attach();
  const source: Source = publication.source;
  document.body.append(element, source, participant.identity);
});
room.on('chatMessage', (m: ChatMessage) => m.text.toUpperCase());
room.on('connectionQualityChanged', (quality: ConnectionQuality, who) => who.isEnabled(quality === 'poor' ? 'camera' : 'microphone'));
room.once('disconnected', (reason) => reason.trim());
const errors: ConsiliumError[] = await room.localParticipant.enableCameraAndMicrophone();
await room.localParticipant.setScreenShareEnabled(true);
await room.localParticipant.switchDevice('videoinput', 'id');
await room.sendData(new Uint8Array(3), { reliable: false });
for (const p of room.remoteParticipants.values()) room.setPriority(p.publication('camera')!, 'high');
room.on('waitingChanged', async ([first], { added }) => (first && added ? room.admit(first.id) : undefined));
const { url, expiresAt }: { url: string; expiresAt: number } = await room.createGuestLink({ role: 'interpreter', ttlSeconds: 600 });
const outgoing: OutgoingCall = await client.calls.invite({ identities: ['pat-77'], message: url.slice(0, expiresAt % 9) });
client.calls.on('ringing', async (call: IncomingCall) => (call.from.role === 'doctor' ? call.accept({ video: true }) : call.decline('busy')));
client.calls.on('ended', (call, reason) => call.id + (reason === 'timed_out' ? outgoing.to.get('pat-77') : ''));
client.on('sentBack', (reason, { doctor }) => reason.trim() + doctor.present);
console.log(errors.map((e) => e.code), (await client.checkRoom()).mayJoin);
const pointer = new Pointer(room);
pointer.on('moved', ({ participant, track, x, y }) => participant.name + track + (x + y).toFixed(2));
pointer.point('t_1', 0.5, 0.5);
const stills = new Stills(room);
stills.on('asked', async (request) => request.send(await takePhoto(room.localParticipant.publication('camera')!.track.mediaStreamTrack!)));
for (const p of room.remoteParticipants.values()) stills.ask(p).on('received', (photo, info) => URL.createObjectURL(photo) + info.sha256);
await room.localParticipant.swapCamera();
off();
`;

/** Each must be refused: types that accept everything would pass the program above. */
const MISTAKES = [
  `room.on('participantJoined', () => {});`,
  `room.on('chatMessage', (m) => m.words);`,
  `await room.localParticipant.setCameraEnabled('yes');`,
  `room.localParticipant.isEnabled('webcam');`,
  `await client.join({ topology: 'mesh' });`,
  `createClient({});`,
  `await client.calls.invite({ identities: 'pat-77' });`,
  `client.calls.on('ended', (call, reason) => reason === 'hung up');`,
  `await room.createGuestLink({ role: 'doctor' });`,
];

test('SDK and pages are typed', () => {
  const { stdout, status } = compile('-p', path.join(here, 'tsconfig.json'));
  assert.equal(status, 0, stdout);
});

test('a TypeScript program compiles against the package, and its mistakes are found', () => {
  const made = path.join(folder, 'node_modules/consilium-client');
  execFileSync(path.join(here, '../../server/web/sdk_package.sh'), [made]);
  const file = path.join(folder, 'program.ts');
  fs.writeFileSync(file, PROGRAM);
  const { stdout, status } = compile(...STRICT, file);
  assert.equal(status, 0, stdout);
  fs.writeFileSync(file, `${PROGRAM}\n// @ts-expect-error\n${MISTAKES.join('\n// @ts-expect-error\n')}\n`);
  const mistaken = compile(...STRICT, file);
  assert.equal(mistaken.status, 0, `not found: ${mistaken.stdout}`);
});

test('the package has no dependency and nothing but what it exports', () => {
  const made = path.join(folder, 'node_modules/consilium-client');
  const description = JSON.parse(fs.readFileSync(path.join(made, 'package.json'), 'utf8'));
  assert.equal(description.dependencies, undefined);
  assert.match(description.version, /^\d+\.\d+\.\d+$/);
  for (const file of fs.readdirSync(made).filter((f) => f.endsWith('.js'))) {
    for (const [, from] of fs.readFileSync(path.join(made, file), 'utf8').matchAll(/^(?:import|export)[^;]* from '([^']+)'/gm)) assert.match(from, /^\.\//, file);
    assert.ok(fs.existsSync(path.join(made, file.replace(/\.js$/, '.d.ts'))), file);
  }
});
