// bench/switch/calm_camera.mjs: a camera for Chromium that gives exactly 30 pictures a second, none of which is hard to encode.
//
// The browser's own fake camera has a jump in every second; the frame behind it is large, and the encoder's rate control then leaves
// out the next one or two: pauses of 67 to 117 ms that no change of connection has anything to do with.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const [WIDTH, HEIGHT, PICTURES] = [320, 180, 60];

/** A soft light that wanders in a circle, back where it began after two seconds. @param {number} n @param {Buffer} out */
function paint(n, out) {
  const turn = (2 * Math.PI * n) / PICTURES;
  const [x, y] = [WIDTH / 2 + 60 * Math.cos(turn), HEIGHT / 2 + 40 * Math.sin(turn)];
  for (let row = 0; row < HEIGHT; row++) {
    for (let column = 0; column < WIDTH; column++) {
      const distance = Math.hypot(column - x, row - y);
      out[row * WIDTH + column] = Math.round(60 + 150 * Math.exp(-((distance / 70) ** 2)));
    }
  }
  out.fill(110, WIDTH * HEIGHT, (WIDTH * HEIGHT * 5) / 4);
  out.fill(140, (WIDTH * HEIGHT * 5) / 4);
}

/** Writes the film (YUV4MPEG2) into a new folder. @returns {{args: string[], remove: () => void}} arguments for Chromium */
export function calmCamera() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'consilium-camera-'));
  const file = path.join(folder, 'calm.y4m');
  const parts = [Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F30:1 Ip A1:1 C420jpeg\n`)];
  for (let n = 0; n < PICTURES; n++) {
    const picture = Buffer.alloc((WIDTH * HEIGHT * 3) / 2);
    paint(n, picture);
    parts.push(Buffer.from('FRAME\n'), picture);
  }
  fs.writeFileSync(file, Buffer.concat(parts));
  return { args: [`--use-file-for-fake-video-capture=${file}`], remove: () => fs.rmSync(folder, { recursive: true }) };
}
