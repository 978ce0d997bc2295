import { expect, test } from 'vitest';
import { PROVIDERS, providerById } from '../providers/index.ts';
import { parseConfig } from './load.ts';
import { fillEndpoint, settingsOf } from './provider-settings.ts';

const GIVEN: Readonly<Record<string, string>> = {
  resource: 'acme',
  project: 'acme-1',
  region: 'eu-west-1',
  account: '0a1b',
  host: 'api.example.com',
};

/** Every endpoint of every provider of this test's table, with its settings filled in, as one line. */
function lines(given: Readonly<Record<string, string>>, only: (id: string) => boolean): readonly string[] {
  return PROVIDERS.filter(({ id, transport }) => transport === 'http' && only(id)).flatMap((provider) => {
    const names = Object.keys(provider.settings ?? {});
    const chosen = Object.fromEntries(Object.entries(given).filter(([name]) => names.includes(name)));
    const result = settingsOf(provider, { given: chosen, env: {} });
    if (!result.ok) throw new Error(result.reason);
    return Object.entries(provider.endpoints).map(([dialect, endpoint]) => {
      const { baseUrl, auth } = fillEndpoint(endpoint, result.values);
      return `${provider.id} ${dialect} ${baseUrl} ${auth.header}`;
    });
  });
}

test('every provider is spoken to where its vendor says', () => {
  expect(lines(GIVEN, () => true).join('\n')).toMatchInlineSnapshot(`
    "openai openai https://api.openai.com/v1 authorization
    openai openai-responses https://api.openai.com/v1 authorization
    anthropic anthropic https://api.anthropic.com x-api-key
    gemini gemini https://generativelanguage.googleapis.com x-goog-api-key
    gemini openai https://generativelanguage.googleapis.com/v1beta/openai authorization
    azure openai https://acme.openai.azure.com/openai/v1 api-key
    azure openai-responses https://acme.openai.azure.com/openai/v1 api-key
    azure-anthropic anthropic https://acme.services.ai.azure.com/anthropic x-api-key
    vertex gemini https://eu-west-1-aiplatform.googleapis.com/v1/projects/acme-1/locations/eu-west-1/publishers/google authorization
    vertex-anthropic anthropic https://eu-west-1-aiplatform.googleapis.com/v1/projects/acme-1/locations/eu-west-1/publishers/anthropic authorization
    bedrock bedrock https://bedrock-runtime.eu-west-1.amazonaws.com authorization
    bedrock-mantle openai https://bedrock-mantle.eu-west-1.api.aws/v1 authorization
    bedrock-mantle openai-responses https://bedrock-mantle.eu-west-1.api.aws/v1 authorization
    mistral mistral https://api.mistral.ai/v1 authorization
    cohere cohere https://api.cohere.com authorization
    cohere openai https://api.cohere.com/compatibility/v1 authorization
    groq openai https://api.groq.com/openai/v1 authorization
    groq openai-responses https://api.groq.com/openai/v1 authorization
    deepseek openai https://api.deepseek.com/v1 authorization
    deepseek anthropic https://api.deepseek.com/anthropic x-api-key
    xai openai https://api.x.ai/v1 authorization
    xai openai-responses https://api.x.ai/v1 authorization
    ai21 openai https://api.ai21.com/studio/v1 authorization
    baichuan openai https://api.baichuan-ai.com/v1 authorization
    baidu openai https://qianfan.baidubce.com/v2 authorization
    baseten openai https://inference.baseten.co/v1 authorization
    baseten anthropic https://inference.baseten.co authorization
    cerebras openai https://api.cerebras.ai/v1 authorization
    cloudflare openai https://api.cloudflare.com/client/v4/accounts/0a1b/ai/v1 authorization
    cloudflare openai-responses https://api.cloudflare.com/client/v4/accounts/0a1b/ai/v1 authorization
    deepinfra openai https://api.deepinfra.com/v1/openai authorization
    deepinfra anthropic https://api.deepinfra.com/anthropic authorization
    fireworks openai https://api.fireworks.ai/inference/v1 authorization
    fireworks openai-responses https://api.fireworks.ai/inference/v1 authorization
    fireworks anthropic https://api.fireworks.ai/inference x-api-key
    github-models openai https://models.github.ai/inference authorization
    huggingface openai https://router.huggingface.co/v1 authorization
    huggingface openai-responses https://router.huggingface.co/v1 authorization
    hunyuan openai https://api.hunyuan.cloud.tencent.com/v1 authorization
    hyperbolic openai https://api.hyperbolic.xyz/v1 authorization
    jina openai https://api.jina.ai/v1 authorization
    lingyi openai https://api.lingyiwanwu.com/v1 authorization
    minimax openai https://api.example.com/v1 authorization
    minimax anthropic https://api.example.com/anthropic x-api-key
    moonshot openai https://api.example.com/v1 authorization
    moonshot anthropic https://api.example.com/anthropic authorization
    nebius openai https://api.tokenfactory.nebius.com/v1 authorization
    novita openai https://api.novita.ai/openai/v1 authorization
    novita anthropic https://api.novita.ai/anthropic authorization
    nvidia openai https://integrate.api.nvidia.com/v1 authorization
    ollama-cloud openai https://ollama.com/v1 authorization
    openrouter openai https://openrouter.ai/api/v1 authorization
    openrouter openai-responses https://openrouter.ai/api/v1 authorization
    openrouter anthropic https://openrouter.ai/api authorization
    ovhcloud openai https://oai.endpoints.kepler.ai.cloud.ovh.net/v1 authorization
    perplexity openai https://api.perplexity.ai authorization
    perplexity openai-responses https://api.perplexity.ai/v1 authorization
    qwen openai https://api.example.com/compatible-mode/v1 authorization
    qwen anthropic https://api.example.com/apps/anthropic x-api-key
    replicate replicate https://api.replicate.com/v1 authorization
    sambanova openai https://api.sambanova.ai/v1 authorization
    scaleway openai https://api.scaleway.ai/v1 authorization
    siliconflow openai https://api.example.com/v1 authorization
    stepfun openai https://api.example.com/v1 authorization
    tencent openai https://api.example.com/v1 authorization
    together openai https://api.together.xyz/v1 authorization
    upstage openai https://api.upstage.ai/v1 authorization
    venice openai https://api.venice.ai/api/v1 authorization
    vercel openai https://ai-gateway.vercel.sh/v1 authorization
    vercel openai-responses https://ai-gateway.vercel.sh/v1 authorization
    vercel anthropic https://ai-gateway.vercel.sh x-api-key
    volcengine openai https://ark.eu-west-1.volces.com/api/v3 authorization
    volcengine openai-responses https://ark.eu-west-1.volces.com/api/v3 authorization
    voyage openai https://api.voyageai.com/v1 authorization
    wandb openai https://api.inference.wandb.ai/v1 authorization
    xiaomi openai https://api.xiaomimimo.com/v1 authorization
    xiaomi anthropic https://api.xiaomimimo.com/anthropic authorization
    zai openai https://api.z.ai/api/paas/v4 authorization
    zai anthropic https://api.z.ai/api/anthropic x-api-key
    zhipu openai https://open.bigmodel.cn/api/paas/v4 authorization
    zhipu anthropic https://open.bigmodel.cn/api/anthropic x-api-key
    ollama openai http://127.0.0.1:11434/v1 authorization
    ollama openai-responses http://127.0.0.1:11434/v1 authorization
    ollama anthropic http://127.0.0.1:11434 x-api-key
    vllm openai http://127.0.0.1:8000/v1 authorization
    vllm openai-responses http://127.0.0.1:8000/v1 authorization
    vllm anthropic http://127.0.0.1:8000 authorization
    lmstudio openai http://127.0.0.1:1234/v1 authorization
    lmstudio openai-responses http://127.0.0.1:1234/v1 authorization
    lmstudio anthropic http://127.0.0.1:1234 x-api-key
    llamacpp openai http://127.0.0.1:8080/v1 authorization
    llamacpp anthropic http://127.0.0.1:8080 x-api-key
    sglang openai http://127.0.0.1:30000/v1 authorization"
  `);
});

test('Vertex has hosts of its own for the global endpoint and the multi-regions', () => {
  const urls = ['global', 'us', 'eu', 'europe-west4'].flatMap((region) =>
    lines({ project: 'p', region }, (id) => id === 'vertex'),
  );
  expect(urls.join('\n')).toMatchInlineSnapshot(`
    "vertex gemini https://aiplatform.googleapis.com/v1/projects/p/locations/global/publishers/google authorization
    vertex gemini https://aiplatform.us.rep.googleapis.com/v1/projects/p/locations/us/publishers/google authorization
    vertex gemini https://aiplatform.eu.rep.googleapis.com/v1/projects/p/locations/eu/publishers/google authorization
    vertex gemini https://europe-west4-aiplatform.googleapis.com/v1/projects/p/locations/europe-west4/publishers/google authorization"
  `);
});

test('a setting comes from the file, else from the environment, else from the default; else what is missing is told', () => {
  const bedrock = providerById('bedrock');
  const azure = providerById('azure');
  if (bedrock === undefined || azure === undefined) throw new Error('gone');
  const region = (given: Record<string, string>, env: Record<string, string>) => {
    const result = settingsOf(bedrock, { given, env });
    return result.ok ? result.values.get('region') : result.reason;
  };
  expect(region({ region: 'eu-north-1' }, { AWS_REGION: 'eu-west-1' })).toBe('eu-north-1');
  expect(region({}, { AWS_REGION: ' eu-west-1\n' })).toBe('eu-west-1');
  expect(region({}, { AWS_REGION: '' })).toBe('us-east-1');
  expect(region({}, { AWS_REGION: 'x.example.com/#' })).toContain('characters');
  expect(settingsOf(azure, { given: {}, env: {} })).toEqual({
    ok: false,
    reason:
      'it needs the name of the Azure resource, as in https://NAME.openai.azure.com: set providers.azure.settings.resource, or AZURE_OPENAI_RESOURCE in the environment',
  });
});

test.each([
  ['providers: { azure: { settings: { resource: "a/b" } } }', 'providers.azure.settings.resource'],
  ['providers: { azure: { settings: { region: x } } }', 'providers.azure.settings.region'],
  ['providers: { openai: { settings: { region: x } } }', 'providers.openai.settings.region'],
  ['providers: { house: { dialect: openai, baseUrl: "http://h", settings: { a: x } } }', 'providers.house.settings.a'],
])('%s is refused at its place', (text, path) => {
  const result = parseConfig({ text, file: 'keyward.yaml', env: {} });
  expect(result.ok ? [] : result.errors.map((error) => error.path)).toEqual([path]);
});
