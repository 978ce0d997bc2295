import type { ProviderCodec } from '../codec.ts';
import { bedrockEmbeddings } from './embeddings.ts';
import { readAnswer, readTokenCount } from './read-answer.ts';
import { readStream } from './read-stream.ts';
import { modelVendor } from './model-vendor.ts';
import { writeChat, writeTokenCount } from './write-chat.ts';

/** Amazon Bedrock: Converse and ConverseStream, for every model that Bedrock serves; InvokeModel for vectors. */
export const bedrockProvider: ProviderCodec = {
  writeChat,
  readChat: readAnswer,
  readStream,
  embeddings: bedrockEmbeddings,
  // Converse takes any model, CountTokens those of Anthropic:
  // https://docs.aws.amazon.com/bedrock/latest/userguide/count-tokens.html
  tokenCount: {
    write: writeTokenCount,
    read: readTokenCount,
    serves: (model) => modelVendor(model) === 'anthropic',
  },
};
