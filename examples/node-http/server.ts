import { createServer } from 'node:http';
import { createKeyward } from 'keyward';

const keyward = await createKeyward({ storage: process.env['DATA_DIR'] ?? './data' });
const { key } = await keyward.keys.create({
  name: 'example',
  real: { secret: process.env['PROVIDER_KEY'], baseUrl: process.env['PROVIDER_URL'] ?? 'https://api.openai.com' },
  limits: { requestsPerMinute: 60 },
});

const proxy = keyward.handler({ basePath: '/proxy' });
const server = createServer((req, res) => {
  if (req.url?.startsWith('/proxy/') === true) return proxy(req, res);
  res.end('The rest of your backend.\n');
});
server.listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1', () => {
  console.log(JSON.stringify({ address: server.address(), key }));
});

process.on('SIGTERM', () => {
  server.close();
  void keyward.close();
});
