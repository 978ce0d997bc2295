import express from 'express';
import { createKeyward } from 'keyward';

const keyward = await createKeyward({ storage: process.env['DATA_DIR'] ?? './data' });
const { key } = await keyward.keys.create({
  name: 'example',
  real: { secret: process.env['PROVIDER_KEY'], baseUrl: process.env['PROVIDER_URL'] ?? 'https://api.openai.com' },
  limits: { requestsPerMinute: 60 },
});

const app = express();
// Before any body parser: the handler passes the bytes on as they came.
app.use('/proxy', keyward.handler({ basePath: '/proxy' }));
app.use(express.json());
app.get('/', (_req, res) => void res.send('The rest of your backend.\n'));
const server = app.listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1', () => {
  console.log(JSON.stringify({ address: server.address(), key }));
});

process.on('SIGTERM', () => {
  server.close();
  void keyward.close();
});
