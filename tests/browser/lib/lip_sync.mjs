// tests/browser/lib/lip_sync.mjs: how far the picture that a page shows of somebody is from the sound that it plays of the same moment.

/** Put into a page before it loads: receivers can be asked afterwards. @param {import('puppeteer-core').Page} page */
export function noteConnections(page) {
  return page.evaluateOnNewDocument(() => {
    window.connections = [];
    const Connection = window.RTCPeerConnection;
    window.RTCPeerConnection = class extends Connection {
      constructor(...args) {
        super(...args);
        window.connections.push(this);
      }
    };
  });
}

/** In the page: the receiver that brings what plays as `source` of the only other one. */
const receiverOf = `(source) => {
  const [other] = window.consilium.room.remoteParticipants.values();
  const media = other?.publication(source)?.track.mediaStreamTrack;
  return window.connections.flatMap((c) => c.connectionState === 'closed' ? [] : c.getReceivers()).find((r) => r.track === media);
}`;

/** The receiver keeps pictures that long before it shows them: a browser that plays in sync keeps the sound as long. */
export function delayPictures(member, ms) {
  return member.evaluate((find, target) => {
    new Function(`return ${find}`)()('camera').jitterBufferTarget = target;
  }, receiverOf, ms);
}

/**
 * Milliseconds of the sender's time by which the sound that plays is ahead of the picture; null while the browser cannot say (no
 * sender report yet).
 * @returns {Promise<{ahead: number, kept: number} | null>} kept: how long pictures lie in the jitter buffer at present
 */
export function lipSync(member) {
  return member.evaluate(async (find) => {
    const receiver = new Function(`return ${find}`)();
    const at = {};
    let kept = 0;
    for (const source of ['microphone', 'camera']) {
      for (const r of (await receiver(source)?.getStats())?.values() ?? []) {
        if (r.type !== 'inbound-rtp') continue;
        at[source] = r.estimatedPlayoutTimestamp && r.estimatedPlayoutTimestamp - r.timestamp; // two reports, two moments
        const before = (window.lipBefore ??= {})[source];
        window.lipBefore[source] = r;
        if (source === 'camera' && before) kept = ((r.jitterBufferDelay - before.jitterBufferDelay) * 1000) / (r.jitterBufferEmittedCount - before.jitterBufferEmittedCount);
      }
    }
    return at.microphone && at.camera ? { ahead: at.microphone - at.camera, kept } : null;
  }, receiverOf);
}
