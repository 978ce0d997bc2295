import { ai21 } from './ai21.ts';
import { anthropicProvider } from './anthropic.ts';
import { azure } from './azure.ts';
import { azureAnthropic } from './azure-anthropic.ts';
import { baichuan } from './baichuan.ts';
import { baidu } from './baidu.ts';
import { baseten } from './baseten.ts';
import { bedrock } from './bedrock.ts';
import { bedrockMantle } from './bedrock-mantle.ts';
import { cerebras } from './cerebras.ts';
import { cloudflare } from './cloudflare.ts';
import { cohere } from './cohere.ts';
import { deepinfra } from './deepinfra.ts';
import { deepseek } from './deepseek.ts';
import { fireworks } from './fireworks.ts';
import { geminiProvider } from './gemini.ts';
import { githubModels } from './github-models.ts';
import { groq } from './groq.ts';
import { huggingface } from './huggingface.ts';
import { hunyuan } from './hunyuan.ts';
import { hyperbolic } from './hyperbolic.ts';
import { jina } from './jina.ts';
import { lingyi } from './lingyi.ts';
import { llamacpp } from './llamacpp.ts';
import { lmstudio } from './lmstudio.ts';
import { minimax } from './minimax.ts';
import { mistral } from './mistral.ts';
import { moonshot } from './moonshot.ts';
import { nebius } from './nebius.ts';
import { novita } from './novita.ts';
import { nvidia } from './nvidia.ts';
import { ollama } from './ollama.ts';
import { ollamaCloud } from './ollama-cloud.ts';
import { openaiProvider } from './openai.ts';
import { openrouter } from './openrouter.ts';
import { ovhcloud } from './ovhcloud.ts';
import { perplexity } from './perplexity.ts';
import { qwen } from './qwen.ts';
import { replicate } from './replicate.ts';
import { sambanova } from './sambanova.ts';
import { scaleway } from './scaleway.ts';
import { sglang } from './sglang.ts';
import { siliconflow } from './siliconflow.ts';
import { stepfun } from './stepfun.ts';
import { tencent } from './tencent.ts';
import { together } from './together.ts';
import { upstage } from './upstage.ts';
import { venice } from './venice.ts';
import { vercel } from './vercel.ts';
import { vertex } from './vertex.ts';
import { vertexAnthropic } from './vertex-anthropic.ts';
import { vllm } from './vllm.ts';
import { volcengine } from './volcengine.ts';
import { voyage } from './voyage.ts';
import { wandb } from './wandb.ts';
import { xai } from './xai.ts';
import { xiaomi } from './xiaomi.ts';
import { zai } from './zai.ts';
import { zhipu } from './zhipu.ts';
import type { Provider } from './provider.ts';
import { sandbox } from './sandbox.ts';

/** Every provider known by name. */
export const PROVIDERS: readonly Provider[] = [
  sandbox,
  openaiProvider,
  anthropicProvider,
  geminiProvider,
  azure,
  azureAnthropic,
  vertex,
  vertexAnthropic,
  bedrock,
  bedrockMantle,
  mistral,
  cohere,
  groq,
  deepseek,
  xai,
  ai21,
  baichuan,
  baidu,
  baseten,
  cerebras,
  cloudflare,
  deepinfra,
  fireworks,
  githubModels,
  huggingface,
  hunyuan,
  hyperbolic,
  jina,
  lingyi,
  minimax,
  moonshot,
  nebius,
  novita,
  nvidia,
  ollamaCloud,
  openrouter,
  ovhcloud,
  perplexity,
  qwen,
  replicate,
  sambanova,
  scaleway,
  siliconflow,
  stepfun,
  tencent,
  together,
  upstage,
  venice,
  vercel,
  volcengine,
  voyage,
  wandb,
  xiaomi,
  zai,
  zhipu,
  ollama,
  vllm,
  lmstudio,
  llamacpp,
  sglang,
];

const BY_ID: ReadonlyMap<string, Provider> = new Map(PROVIDERS.map((provider) => [provider.id, provider]));

/** The provider of this id, if it is known. */
export function providerById(id: string): Provider | undefined {
  return BY_ID.get(id);
}
