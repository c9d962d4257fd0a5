// server/web/sdk/fresh_frame.js: keeps a video element unseen until it shows a picture that arrived after a given moment.
//
// A slot is one receiver for ever, and the server changes whose camera flows in it. Its last picture, and those still in
// the jitter buffer, are the previous person's: they must never appear under the next one's name. The element stays laid
// out (so that frames are presented and its size can be measured) but transparent, with `data-waiting` for the page.

/** What was sent before the slot changed may arrive a little after the message that says so. */
const LATE_MS = 30;
/** Where the browser does not say when a frame arrived: what a jitter buffer may still hold. */
const BUFFER_MS = 400;

/** @typedef {VideoFrameCallbackMetadata & {receiveTime?: number}} FrameMetadata */

/**
 * @param {HTMLVideoElement} element playing the slot's track
 * @param {number} since performance.now() when the slot became its new owner's
 * @param {() => void} seen called once, when the element is shown
 * @returns {() => void} gives up and shows the element as it is
 */
export function revealWhenFresh(element, since, seen) {
  let over = false;
  const reveal = () => {
    over = true;
    element.style.removeProperty('opacity');
    delete element.dataset.waiting;
  };
  element.style.setProperty('opacity', '0');
  element.dataset.waiting = '';
  /** @param {number} now @param {FrameMetadata} metadata */
  const onFrame = (now, metadata) => {
    if (over) return;
    const arrived = metadata.receiveTime;
    if (arrived === undefined ? now > since + BUFFER_MS : arrived > since + LATE_MS) {
      reveal();
      seen();
    } else {
      element.requestVideoFrameCallback(onFrame);
    }
  };
  element.requestVideoFrameCallback(onFrame);
  return () => {
    if (!over) reveal();
  };
}
