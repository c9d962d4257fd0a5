// tests/system/lib/offer.mjs: an offer of libwebrtc without a call behind it, for tests that are about signaling only.

import { wrtc } from './packages.mjs';

/**
 * m-lines in this order: microphone, camera (simulcast), audio slots, video slots, data.
 * @param {{microphone?: boolean, camera?: boolean, audio?: number, video?: number}} [what]
 */
export async function makeOffer({ microphone = true, camera = true, audio = 1, video = 1 } = {}) {
  const pc = new wrtc.RTCPeerConnection({ iceServers: [], bundlePolicy: 'max-bundle' });
  try {
    if (microphone) pc.addTransceiver('audio', { direction: 'sendonly' });
    if (camera) pc.addTransceiver('video', { direction: 'sendonly', sendEncodings: [{ rid: 'q' }, { rid: 'h' }, { rid: 'f' }] });
    for (let i = 0; i < audio; i++) pc.addTransceiver('audio', { direction: 'recvonly' });
    for (let i = 0; i < video; i++) pc.addTransceiver('video', { direction: 'recvonly' });
    pc.createDataChannel('reliable');
    return (await pc.createOffer()).sdp;
  } finally {
    pc.close();
  }
}

/** The same offer with `name` as its only video codec (and what belongs to it). */
export function onlyVideoCodec(sdp, name) {
  return sdp
    .split(/(?=^m=)/m)
    .map((section) => {
      if (!section.startsWith('m=video')) return section;
      const kept = new Set([...section.matchAll(/^a=rtpmap:(\d+) (\S+)\//gm)].filter((m) => m[2] === name).map((m) => m[1]));
      for (const [, pt, apt] of section.matchAll(/^a=fmtp:(\d+) apt=(\d+)/gm)) if (kept.has(apt)) kept.add(pt);
      return section
        .replace(/^(m=video \d+ \S+)(.*)$/m, (_, head, pts) => `${head} ${pts.trim().split(' ').filter((pt) => kept.has(pt)).join(' ')}`)
        .split('\r\n')
        .filter((line) => kept.has(/^a=(?:rtpmap|fmtp|rtcp-fb):(\d+)/.exec(line)?.[1] ?? [...kept][0]))
        .join('\r\n');
    })
    .join('');
}
