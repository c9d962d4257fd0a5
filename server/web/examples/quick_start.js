// server/web/examples/quick_start.js: a whole video call with the SDK: join, see and hear the others, camera, leave.

import { createClient } from '/sdk/consilium.js';

/** @param {string} id */
const button = (id) => /** @type {HTMLButtonElement} */ (document.getElementById(id));
const videos = /** @type {HTMLElement} */ (document.getElementById('videos'));
/** @param {string} words */
const say = (words) => (/** @type {HTMLElement} */ (document.getElementById('words')).textContent = words);

/** Your own application makes the tokens (signaling/PROTOCOL.md §2); the development server gives one to whoever asks. */
async function token() {
  const who = new URLSearchParams({ room: 'quick-start', role: 'doctor', name: 'Guest', identity: `guest-${crypto.randomUUID()}` });
  return (await (await fetch(`/dev/token?${who}`)).json()).token;
}

const client = createClient({ token });

button('join').onclick = async () => {
  const room = await client.join();
  /** @type {any} */ (window).consilium = client;
  const local = room.localParticipant;

  // Others: a track plays in whatever element it is attached to, and leaves it when it is gone.
  room.on('trackSubscribed', (track) => track.elements.size === 0 && videos.append(track.attach()));
  room.on('trackUnpublished', ({ track }) => {
    const elements = [...track.elements];
    track.detach();
    for (const element of elements) element.remove();
  });
  room.on('participantConnected', (p) => say(`${p.name} is here`));
  room.on('participantDisconnected', (p) => say(`${p.name} left`));
  room.on('disconnected', (reason) => say(`The call is over: ${reason}`));

  // Oneself.
  local.on('publicationChanged', ({ source, track }) => {
    if (source === 'camera' && track.elements.size === 0) videos.prepend(track.attach());
  });
  for (const error of await local.enableCameraAndMicrophone()) say(error.message);

  button('join').disabled = true;
  button('camera').disabled = button('leave').disabled = false;
  button('camera').onclick = () => local.setCameraEnabled(!local.isEnabled('camera'));
  button('leave').onclick = () => client.disconnect();
};
