// server/web/sdk/silent_player.js: plays sound unheard. A browser fills a jitter buffer and keeps its sound device open for
// what plays; a track that is about to be heard must have both, or its first moments are made up.

export class SilentPlayer {
  /** @type {Map<MediaStreamTrack, HTMLAudioElement>} */ #playing = new Map();

  /** @param {MediaStreamTrack | null | undefined} track */
  play(track) {
    if (!track || this.#playing.has(track)) return;
    const element = new Audio();
    element.muted = true; // a muted element needs no gesture
    element.srcObject = new MediaStream([track]);
    element.play().catch(() => {}); // without it the sound is ready a little later
    this.#playing.set(track, element);
  }

  close() {
    for (const element of this.#playing.values()) element.srcObject = null;
    this.#playing.clear();
  }
}
