// Drives clients/node for the tests: reads one JSON command a line, writes one JSON answer a line.
import { createInterface } from 'node:readline';
import { Shopalytic } from '../../../clients/node/index.js';

const [options] = process.argv.slice(2).map((text) => JSON.parse(text));
const told = { refused: [], lost: [], log: [] };
const log = { warn: (...words) => told.log.push(words.join(' ')), error: (...words) => told.log.push(words.join(' ')) };
const shop = new Shopalytic({
  ...options,
  log,
  onRefused: (verdict) => {
    told.refused.push(verdict);
    if (options.callbacksFail) throw new Error('as the test wants it');
  },
  onLost: (events, reason) => told.lost.push({ ids: events.map((event) => event.event_id), reason }),
});
for await (const line of createInterface({ input: process.stdin })) {
  const [name, ...given] = JSON.parse(line);
  let value = name === 'told' ? { ...told, stats: shop.stats } : await shop[name](...given);
  if (name === 'close') value = { ...value, undelivered: value.undelivered.map((event) => event.event_id) };
  console.log(JSON.stringify(value ?? null));
}
process.exit(0);
