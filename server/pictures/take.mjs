// server/pictures/take.mjs: takes the picture of the page that the README shows: three drawn people in a room.
//
//   node server/pictures/take.mjs            writes server/pictures/room.png; needs build/release/consilium and tests/browser/node_modules

import { launch, Member } from '../../tests/browser/lib/browsers.mjs';
import { Server } from '../../tests/browser/lib/server.mjs';

const people = [
  { name: 'Doctor', role: 'doctor', colours: ['#dfe9e6', '#b9cfc9', '#0d6b66', '#f0c9a8', '#3a2a20'], microphone: true },
  { name: 'Patient', role: 'patient', colours: ['#efe6da', '#d9c7ae', '#8a5a44', '#e2b08c', '#5b3a29'], microphone: true },
  { name: 'Interpreter', role: 'interpreter', colours: ['#e2e6f0', '#c0c9de', '#3f5b96', '#c98f68', '#1e1a18'], microphone: false },
];

/** Runs in the page before anything else: the camera is a drawing that breathes. */
function draw([wall, shade, coat, skin, hair]) {
  if (!navigator.mediaDevices) return;
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [960, 540];
  const c = canvas.getContext('2d');
  const round = (x, y, rx, ry, colour) => {
    c.fillStyle = colour;
    c.beginPath();
    c.ellipse(x, y, rx, ry, 0, 0, 7);
    c.fill();
  };
  const paint = () => {
    const lift = 3 * Math.sin(performance.now() / 700);
    c.fillStyle = wall;
    c.fillRect(0, 0, 960, 540);
    c.fillStyle = shade;
    c.fillRect(90, 60, 190, 250);
    c.fillRect(720, 90, 150, 12);
    c.fillRect(745, 40, 26, 50);
    c.fillRect(780, 52, 20, 38);
    round(480, 560 - lift, 230, 190, coat);
    c.fillStyle = skin;
    c.fillRect(440, 330 - lift, 80, 80);
    round(480, 238 - lift, 112, 128, hair);
    round(480, 262 - lift, 92, 108, skin);
    round(446, 255 - lift, 8, 10, hair);
    round(514, 255 - lift, 8, 10, hair);
    c.strokeStyle = hair;
    c.lineWidth = 5;
    c.beginPath();
    c.arc(480, 292 - lift, 34, 0.5, 2.64);
    c.stroke();
  };
  setInterval(paint, 66);
  paint();
  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wish) => {
    const stream = wish.audio ? await open({ audio: wish.audio }) : new MediaStream();
    if (wish.video) stream.addTrack(canvas.captureStream(15).getVideoTracks()[0]);
    return stream;
  };
}

const server = await Server.start();
const browser = await launch('chromium', { viewport: { width: 1280, height: 760 } });
try {
  const members = [];
  for (const { name, role, colours, microphone } of people) {
    const extra = microphone ? {} : { microphone: '0' };
    members.push(await Member.join(browser, server.url, { room: 'Thursday', name, role }, extra, (page) => page.evaluateOnNewDocument(draw, colours)));
  }
  const [doctor, patient, interpreter] = members;
  await Promise.all(members.map((m) => m.seesVideos(2, { timeout: 40_000 })));
  await doctor.page.bringToFront();
  await doctor.click('#control-chat');
  await patient.evaluate(() => window.consilium.room.sendChat('The tablets help. I sleep through the night now.'));
  await interpreter.evaluate(() => window.consilium.room.sendChat('药片有帮助。我现在能睡整晚了。'));
  await doctor.waitFor(() => document.body.textContent.includes('药片'), 'shown the chat');
  // The best layer comes when the connection has shown that it can carry it.
  await doctor.waitFor(() => [...document.querySelectorAll('video[data-participant]:not([data-own])')].every((v) => v.videoWidth >= 480), 'seeing large pictures', { timeout: 30_000 });
  await doctor.page.screenshot({ path: new URL('room.png', import.meta.url).pathname });
} finally {
  await browser.close();
  await server.stop();
}
process.exit(0);
