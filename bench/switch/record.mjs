// bench/switch/record.mjs: what bench/switch.mjs puts into the pages: keeps when pictures were presented, and of what.

/**
 * Runs in a page of the two: keeps every picture of the other one, of our own preview, and of a control: a small call of this
 * page with itself, with an encoder, a network, a decoder and an element of its own, which no change touches.
 * @param {string} name of the other one @param {boolean} control
 */
export async function record(name, control) {
  const { room } = window.consilium;
  const p = [...room.remoteParticipants.values()].find((x) => x.name === name);
  const [camera, microphone] = ['camera', 'microphone'].map((s) => p.publication(s).track);
  const now = () => performance.timeOrigin + performance.now();
  const plain = (id) => id?.replace(/[{}]/g, '');
  const lists = {};

  /** [presented, called, received, captured, RTP time stamp, its number, decoded so far, of them never drawn], ms since the epoch */
  const pictures = (key, video) => {
    const list = (lists[key] = []);
    const onFrame = (called, m) => {
      const absolute = (t) => (t === undefined ? null : performance.timeOrigin + t);
      const quality = video.getVideoPlaybackQuality();
      list.push([absolute(m.presentationTime), absolute(called), absolute(m.receiveTime), absolute(m.captureTime), m.rtpTimestamp ?? null, m.presentedFrames, quality.totalVideoFrames, quality.droppedVideoFrames]);
      if (list.length > 600) list.splice(0, 200);
      video.requestVideoFrameCallback(onFrame);
    };
    video.requestVideoFrameCallback(onFrame);
  };
  pictures('frames', [...camera.elements][0]);
  const own = room.localParticipant.publication('camera').track;
  pictures('own', [...own.elements][0]);
  if (control) pictures('control', await callOneself(own.mediaStreamTrack));
  lists.drawn = [];
  const draw = () => {
    lists.drawn.push([now()]);
    if (lists.drawn.length > 1200) lists.drawn.splice(0, 400);
    requestAnimationFrame(draw);
  };
  draw();

  const swaps = [];
  camera.on('mediaChanged', () => swaps.push(now()));
  const sound = [];
  setInterval(async () => {
    const [made, kept] = [new Map(), new Map()];
    for (const way of ['p2p', 'sfu']) {
      for (const r of (await room.getStats(way)).values()) {
        if (r.type === 'inbound-rtp' && r.kind === 'audio') {
          made.set(plain(r.trackIdentifier), r.concealedSamples);
          kept.set(plain(r.trackIdentifier), [r.jitterBufferDelay, r.jitterBufferEmittedCount]);
        }
      }
    }
    sound.push({ at: now(), heard: plain(microphone.mediaStreamTrack?.id), made, kept });
    if (sound.length > 300) sound.splice(0, 100);
  }, 100);

  const within = (list, from, to) => list.filter((one, i) => one[0] >= from && (list[i - 1]?.[0] ?? 0) <= to);
  /** What was presented between two moments, and what came right before and after it. */
  window.presented = (from, to) => Object.fromEntries(Object.entries(lists).map(([key, list]) => {
    const inside = within(list, from, to);
    const before = list[list.indexOf(inside[0]) - 1];
    return [key, before ? [before, ...inside] : inside];
  }));
  /** When pictures changed over, but for the first `from` times. */
  window.switches = (from) => swaps.slice(from);
  window.switchCount = () => swaps.length;
  /** Milliseconds of sound that were made up in what was heard. */
  window.madeUp = (from, to) => {
    let made = 0;
    for (let i = 1; i < sound.length; i++) {
      const { at, heard, made: counts } = sound[i];
      if (at > from && at < to && sound[i - 1].made.has(heard)) made += Math.max(0, counts.get(heard) - sound[i - 1].made.get(heard));
    }
    return made / 48;
  };

  /** How long what was heard at the end had lain in the jitter buffer, on average since `from`, ms. */
  window.soundKept = (from, to) => {
    const inside = sound.filter((s) => s.at > from && s.at < to);
    const of = (s) => s?.kept.get(inside.at(-1).heard);
    const [a, b] = [of(inside[0]), of(inside.at(-1))];
    return a && b && b[1] > a[1] ? ((b[0] - a[0]) * 1000) / (b[1] - a[1]) : null;
  };

  async function callOneself(track) {
    const [from, to] = [new RTCPeerConnection(), new RTCPeerConnection()];
    from.onicecandidate = ({ candidate }) => candidate && to.addIceCandidate(candidate);
    to.onicecandidate = ({ candidate }) => candidate && from.addIceCandidate(candidate);
    const video = Object.assign(document.createElement('video'), { autoplay: true, muted: true, width: 64, height: 36 });
    video.className = 'control'; // no style: the pages allow none inline
    document.body.append(video);
    to.ontrack = ({ track: arrived }) => (video.srcObject = new MediaStream([arrived]));
    from.addTransceiver(track.clone(), { direction: 'sendonly', sendEncodings: [{ scaleResolutionDownBy: 2, maxBitrate: 150_000 }] });
    await from.setLocalDescription();
    await to.setRemoteDescription(from.localDescription);
    await to.setLocalDescription();
    await from.setRemoteDescription(to.localDescription);
    window.control = { from, to };
    return video;
  }
}
