// Makes real offers with every stack on this machine and stores them as tests/signaling/offers/NAME.sdp.
// Usage: node capture.mjs [NAME...]   (chromium chromium-munged firefox wrtc aiortc webrtcbin; all by default)
// Only addresses are changed, to documentation addresses; fingerprints and credentials are of peers long gone.
import fs from 'node:fs';
import {execFileSync} from 'node:child_process';
import {launch, nativeOffer, serveBlankPage} from './peers.mjs';

const offers = new URL('../offers/', import.meta.url);
const here = (name) => new URL(name, import.meta.url).pathname;

export function scrub(sdp) {
  return sdp.replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.local/g, 'client.local')
      .replace(/^(a=candidate:\S+ \d+ \S+ \d+ )(\S+)/gm, (all, head, address) =>
        address.endsWith('.local') ? all : head + (address.includes(':') ? '2001:db8::1' : '192.0.2.1'))
      .replace(/ raddr \S+/g, ' raddr 192.0.2.2')
      .replace(/^(c=IN IP4 |a=rtcp:\d+ IN IP4 )(?!0\.0\.0\.0)\S+/gm, '$1192.0.2.1')
      .replace(/^(o=.* IN IP4 )\S+/gm, '$1192.0.2.1')
      .replace(/^(c=IN IP6 |o=.* IN IP6 )(?!::\r?$)\S+/gm, '$12001:db8::1');
}

async function browserOffer(name, options) {
  const server = await serveBlankPage();
  const browser = await launch(name, `http://127.0.0.1:${server.address().port}/`);
  try {
    const page = await browser.open();
    console.log(`${name}: ${browser.version}`);
    return await page.offer(options);
  } finally {
    await browser.close();
    server.close();
  }
}

const sources = {
  'chromium': () => browserOffer('chromium', {slots: 2}),
  'chromium-munged': () => browserOffer('chromium', {slots: 1, munge: true, bundlePolicy: 'balanced'}),
  'firefox': () => browserOffer('firefox', {slots: 2}),
  'wrtc': async () => {
    const peer = await nativeOffer();
    peer.close();
    return peer.sdp;
  },
  'aiortc': () => execFileSync('/usr/bin/python3', [here('offer_aiortc.py')], {encoding: 'utf8'}),
  'webrtcbin': () => execFileSync('/usr/bin/python3', [here('offer_webrtcbin.py')], {encoding: 'utf8'}),
};

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(sources);
let failed = 0;
for (const name of wanted) {
  try {
    const sdp = scrub(await sources[name]());
    fs.writeFileSync(new URL(`${name}.sdp`, offers), sdp);
    console.log(`${name}: ${sdp.length} bytes`);
  } catch (error) {
    failed++;
    console.log(`${name}: ${error}`);
  }
}
process.exit(failed ? 1 : 0);
