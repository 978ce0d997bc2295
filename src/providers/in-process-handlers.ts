import type { InProcessHandler } from './in-process.ts';
import { handleSandbox } from './sandbox/handler.ts';
import { sandbox } from './sandbox.ts';

/**
 * The handlers of the providers whose transport is `in-process`, by provider id. Apart from the list of
 * all providers, which workers do not need: the snapshot has what they have to know.
 */
export const IN_PROCESS_HANDLERS: Readonly<Record<string, InProcessHandler>> = { [sandbox.id]: handleSandbox };
