// Sends an order and a wrong one to Shopalytic, prints the verdicts, and asks for the day's sales.
import { Shopalytic } from '../../clients/node/index.js';

const shop = new Shopalytic({ onRefused: (verdict) => console.log(verdict.status, JSON.stringify(verdict.violations)) });
const order = (id, total) => ({
  order_id: id,
  total,
  subtotal: '9.99',
  currency: 'EUR',
  line_items: [{ sku: 'MUG-1', price: 9.99, qty: 1 }],
});
shop.track('order', order('node-1', 9.99), { identity: 'ada@shop.example' });
shop.track('order', order('node-2', 'cheap'), { identity: 'ada@shop.example' });
await shop.close();
console.log('ACCEPTED', shop.stats.accepted);

const day = new Date().toISOString().slice(0, 10);
const answer = await fetch(`${process.env.SHOPALYTIC_URL}/shopalytic.v1.ReportService/GetSalesReport`, {
  method: 'POST',
  headers: { authorization: `Bearer ${process.env.SHOPALYTIC_REPORTS_KEY}`, 'content-type': 'application/json' },
  body: JSON.stringify({
    scope: { from: `${day}T00:00:00Z`, to: new Date(Date.parse(day) + 86_400_000).toISOString(), currency: 'EUR' },
  }),
});
console.log(JSON.stringify(await answer.json()));
