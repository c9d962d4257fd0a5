// Differential test: our parser and sdp-transform must agree on every captured offer.
// Usage: node transform_check.mjs TOOL [file.sdp ...]; exits 77 (skipped) when sdp-transform is not installed.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import {spawnSync} from 'node:child_process';
import {createRequire} from 'node:module';

const require = createRequire(new URL('../../browser/package.json', import.meta.url));
let transform;
try {
  transform = require('sdp-transform');
} catch {
  console.log('sdp-transform: not installed');
  process.exit(77);
}

const [tool, ...named] = process.argv.slice(2);
const folder = new URL('../offers/', import.meta.url).pathname;
const files = named.length > 0 ? named : fs.readdirSync(folder).map((name) => folder + name);
const KEPT = ['nack', 'nack pli', 'ccm fir', 'goog-remb', 'transport-cc'];
const STATIC = {0: ['PCMU', 8000], 8: ['PCMA', 8000], 9: ['G722', 8000], 13: ['CN', 8000]};

function codecs(media) {
  const maps = new Map((media.rtp ?? []).map((r) => [r.payload, r]));
  const formats = new Map((media.fmtp ?? []).map((f) => [f.payload, f.config]));
  const all = String(media.payloads).split(' ').map(Number).map((pt) =>
    maps.get(pt) ?? (STATIC[pt] && {payload: pt, codec: STATIC[pt][0], rate: STATIC[pt][1]})).filter(Boolean);
  const isRtx = (c) => c.codec.toLowerCase() === 'rtx';
  const repairs = new Map(all.filter(isRtx).map((c) => [Number(/apt=(\d+)/.exec(formats.get(c.payload))?.[1]), c.payload]));
  return all.filter((c) => !isRtx(c)).map((c) => {
    const feedback = (media.rtcpFb ?? []).filter((f) => String(f.payload) === String(c.payload) || f.payload === '*')
        .map((f) => f.subtype ? `${f.type} ${f.subtype}` : f.type);
    return {pt: c.payload, name: c.codec, clock: c.rate, ...(Number(c.encoding ?? 1) > 1 ? {channels: Number(c.encoding)} : {}),
      ...(formats.has(c.payload) ? {fmtp: formats.get(c.payload)} : {}), feedback: KEPT.filter((k) => feedback.includes(k)),
      ...(repairs.has(c.payload) ? {rtxPt: repairs.get(c.payload)} : {})};
  });
}

function ssrcs(media) {
  const pairs = (media.ssrcGroups ?? []).filter((g) => g.semantics === 'FID').map((g) => g.ssrcs.split(' ').map(Number));
  return [...new Set((media.ssrcs ?? []).map((s) => Number(s.id)))].filter((id) => !pairs.some(([, rtx]) => rtx === id))
      .map((id) => ({ssrc: id, ...(pairs.find(([first]) => first === id) ? {rtxSsrc: pairs.find(([first]) => first === id)[1]} : {})}));
}

// sdp-transform does not read the braces of Firefox's msid, so that line is read here.
function msidOf(text) {
  return /^a=msid:(.*?)\r?$/m.exec(text)?.[1] ?? /^a=ssrc:\d+ msid:(.*?)\r?$/m.exec(text)?.[1];
}

function section(media, text) {
  const of = (attribute) => (media.ssrcs ?? []).find((s) => s.attribute === attribute)?.value;
  const msid = msidOf(text);
  const rtp = media.type !== 'application';
  return {mid: String(media.mid), kind: media.type, direction: media.direction ?? 'sendrecv', codecs: rtp ? codecs(media) : [],
    extensions: (media.ext ?? []).map((e) => ({id: e.value, uri: e.uri})),
    rids: media.simulcast?.dir1 === 'send' ? media.simulcast.list1.split(';') : [], ssrcs: ssrcs(media),
    ...(of('cname') ? {cname: of('cname')} : {}), ...(msid ? {msid} : {})};
}

for (const file of files) {
  const text = fs.readFileSync(file, 'utf8');
  const theirs = transform.parse(text);
  const texts = text.split(/^(?=m=)/m).slice(1);
  const run = spawnSync(tool, ['--json'], {input: text, encoding: 'utf8'});
  assert.equal(run.status, 0, run.stderr);
  const ours = JSON.parse(run.stdout);
  assert.deepEqual(ours.media, theirs.media.map((media, i) => section(media, texts[i])), file);
  const first = theirs.media.find((m) => String(m.mid) === theirs.groups[0].mids.split(' ')[0]);
  const print = first.fingerprint ?? theirs.fingerprint;
  assert.deepEqual(ours.ice, {ufrag: String(first.iceUfrag), pwd: first.icePwd});
  assert.deepEqual(ours.dtls, {setup: first.setup, fingerprints: [{algorithm: print.type, value: print.hash}]});
  const data = theirs.media.find((m) => m.type === 'application');
  assert.deepEqual(ours.sctp, {mid: String(data.mid), port: data.sctpPort ?? data.sctpmap.sctpmapNumber,
    maxMessageSize: data.maxMessageSize ?? 65536});
  console.log(`ok ${file.split('/').pop()}: ${ours.media.length} sections`);
}
console.log(`${files.length} passed, 0 failed`);
