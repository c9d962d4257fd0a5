// tests/browser/lib/fakes.mjs: cameras and screens whose picture a test chooses, put into a page before it loads.

/** A camera of one colour, moving a little so that every frame differs. @param {import('puppeteer-core').Page} page @param {string} color */
export function colorCamera(page, color) {
  return page.evaluateOnNewDocument((c) => {
    if (!navigator.mediaDevices) return; // a blank page
    const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async (wanted) => {
      const stream = new MediaStream();
      if (wanted.audio) for (const t of (await real({ audio: true })).getTracks()) stream.addTrack(t);
      if (wanted.video) {
        const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 360 });
        const context = canvas.getContext('2d');
        let n = 0;
        const draw = () => {
          context.fillStyle = c;
          context.fillRect(0, 0, 640, 360);
          context.fillStyle = 'gray';
          context.fillRect(n++ % 600, 340, 40, 20);
        };
        draw();
        setInterval(draw, 66);
        stream.addTrack(canvas.captureStream(15).getVideoTracks()[0]);
      }
      return stream;
    };
  }, color);
}

/** A screen to share, with a tone: headless browsers have no chooser that a test could answer. @param {import('puppeteer-core').Page} page */
export function fakeScreen(page) {
  return page.evaluateOnNewDocument(() => {
    if (!navigator.mediaDevices) return; // a blank page
    navigator.mediaDevices.getDisplayMedia = async ({ audio }) => {
      const canvas = Object.assign(document.createElement('canvas'), { width: 1280, height: 800 });
      const context = canvas.getContext('2d');
      let n = 0;
      const draw = () => {
        context.fillStyle = 'white';
        context.fillRect(0, 0, 1280, 800);
        context.fillStyle = 'black';
        context.font = '80px sans-serif';
        context.fillText(`X-ray ${n++}`, 100, 200);
      };
      draw();
      setInterval(draw, 100);
      const stream = canvas.captureStream(10);
      // The fake microphone's sound: an AudioContext needs a sound card, without which Firefox does not always start it.
      if (audio) stream.addTrack((await navigator.mediaDevices.getUserMedia({ audio: true })).getAudioTracks()[0]);
      return stream;
    };
  });
}

/** Runs in the page: the colour in the middle of a video, as [r, g, b]. */
export const colorOf = `(video) => {
  const canvas = Object.assign(document.createElement('canvas'), { width: 1, height: 1 });
  const context = canvas.getContext('2d');
  context.drawImage(video, video.videoWidth / 2, video.videoHeight / 2, 1, 1, 0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}`;
