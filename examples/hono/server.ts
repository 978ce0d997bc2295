import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { createKeyward } from 'keyward';

const keyward = await createKeyward({ storage: process.env['DATA_DIR'] ?? './data' });
const { key } = await keyward.keys.create({
  name: 'example',
  real: { secret: process.env['PROVIDER_KEY'], baseUrl: process.env['PROVIDER_URL'] ?? 'https://api.openai.com' },
  limits: { requestsPerMinute: 60 },
});

const proxy = keyward.handler({ basePath: '/proxy' });
const app = new Hono();
app.all('/proxy/*', (c) => proxy.fetch(c.req.raw));
app.get('/', (c) => c.text('The rest of your backend.\n'));
const port = Number(process.env['PORT'] ?? 3000);
const server = serve({ fetch: app.fetch, port, hostname: '127.0.0.1' }, (address) => {
  console.log(JSON.stringify({ address, key }));
});

process.on('SIGTERM', () => {
  server.close();
  void keyward.close();
});
