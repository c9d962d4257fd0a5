// server/web/examples/call.js: call somebody, be called, talk, hang up.
import { createClient } from '/sdk/consilium.js';

/** @param {string} id */
const element = (id) => /** @type {HTMLButtonElement & HTMLInputElement} */ (document.getElementById(id));
const { me = 'ann', role = 'doctor' } = Object.fromEntries(new URLSearchParams(location.search));
const who = new URLSearchParams({ lobby: '1', identity: me, name: me, role });
// Your own application makes the tokens (signaling/PROTOCOL.md §2); the development server gives one to whoever asks.
const client = createClient({ token: async () => (await (await fetch(`/dev/token?${who}`)).json()).token });
/** @param {string} words */
const say = (words) => (element('words').textContent = words);

/** @param {import('../sdk/consilium.js').Room} room */
async function talk(room) {
  room.on('trackSubscribed', (track) => track.elements.size === 0 && element('videos').append(track.attach()));
  room.on('participantDisconnected', () => room.leave());
  room.on('disconnected', () => (element('videos').replaceChildren(), say('The call is over.')));
  for (const error of await room.localParticipant.enableCameraAndMicrophone()) say(error.message);
}

client.calls.on('ringing', (call) => {
  say(`${call.from.name} calls`);
  element('answer').hidden = false;
  element('answer').onclick = async () => talk(await call.accept());
});
client.calls.on('ended', (call, reason) => {
  element('answer').hidden = true;
  say(reason === 'answered' ? 'In the call.' : `No call: ${reason}`);
  if (reason !== 'answered') client.room?.leave();
});
element('call').onclick = async () => {
  await client.calls.invite({ identities: [element('who').value] });
  talk(await client.join()); // while it rings: when they answer, media is there at once
};
element('end').onclick = () => client.room?.leave(); // also cancels what still rings
await client.connect();
say(`Ready, ${me}.`);
