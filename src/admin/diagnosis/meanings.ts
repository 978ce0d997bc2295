/** What the codes of refusals and failures mean to who looks after the keys, and what to do. */
import { ERRORS } from '../../errors.ts';
import type { ErrorCode } from '../../errors.ts';

export interface Meaning {
  readonly means: string;
  readonly todo: readonly string[];
}

/** Where there is more to say than the caller is told. */
const MEANINGS: Partial<Readonly<Record<ErrorCode, Meaning>>> = {
  missing_credential: {
    means: 'The call carried no key: the program has none set, or something on the way removed the header.',
    todo: ['Set the key in the program.', 'Check that no proxy removes the Authorization header.'],
  },
  multiple_credentials: {
    means: 'Two different keys came in one call, often one set in code and one from the environment.',
    todo: ['Look for a second key in headers and environment of the program, and remove it.'],
  },
  credential_in_query: {
    means: 'A key stood in the URL, where proxies and histories keep it.',
    todo: ['Send it in the Authorization header.', 'Rotate the key: the URL may have been logged on the way.'],
  },
  malformed: {
    means: 'What was sent does not have the form of a key of this product.',
    todo: [
      'Copy the whole key again, without quotes, spaces or line ends.',
      'keyward diagnose --key-stdin says what is wrong with the text.',
    ],
  },
  bad_checksum: {
    means: 'The key was mistyped or damaged: its checksum does not fit. It was not guessed, and nothing was looked up.',
    todo: ['Copy the key again.', 'keyward diagnose --key-stdin tells at which character it went wrong.'],
  },
  truncated: {
    means: 'The end of the key is missing: a field, a shell or a spreadsheet cut it off.',
    todo: ['Copy the whole key again; it has 72 characters.'],
  },
  wrong_type: {
    means: 'A credential of this product, but of a kind that the gateway does not take, such as an admin token.',
    todo: [
      'Use a key of an application (kwk_…).',
      'If it was an admin token, replace it: it went to where it does not belong.',
    ],
  },
  placeholder_key: {
    means: 'The program still has the placeholder of an example.',
    todo: ['Put a real key in its place.'],
  },
  provider_key_sent_to_gateway: {
    means: "A vendor's own key was sent here. It was neither used nor stored.",
    todo: [
      'Put a key of this gateway in its place.',
      'If it went over a network that you do not trust, replace it at the vendor.',
    ],
  },
  unknown_key: {
    means:
      'The key is well-formed, its checksum fits, and there is none of that id: it was purged, it belongs to another deployment, or somebody makes up keys with the real form.',
    todo: [
      'Ask the caller where the key comes from; compare the address of this gateway with where the key was made.',
      'If nobody knows it and such calls go on, block their address: somebody is guessing.',
    ],
  },
  secret_mismatch: {
    means:
      'There is a key of that id, and the secret is none of its secrets: it was rotated away some time ago, or somebody knows the id and tries secrets.',
    todo: [
      'Compare with the last rotation of the key.',
      'Give the caller the present secret; where nobody has it, rotate the key.',
    ],
  },
  wrong_environment: {
    means: 'A key for test was sent where live keys are used, or the other way round.',
    todo: ['Use the key of the right environment.'],
  },
  model_not_found: {
    means: 'The model that the caller named is none of those set up here.',
    todo: [
      'Correct the name in the program; keyward models list shows those that there are.',
      'Or add the provider, or an alias of that name.',
    ],
  },
  no_credential: {
    means: 'The key was accepted; the provider of the model has no credential here.',
    todo: ['Add one: keyward credentials create.'],
  },
  credential_rejected: {
    means: "The key was accepted; the vendor refused this installation's own credential.",
    todo: ['Replace the credential of the provider: keyward credentials update. The caller need do nothing.'],
  },
  keys_exhausted: {
    means:
      'The key was accepted; its parent has as many delegated keys with limits of their own in use as it may have. Each has its place from its first call to its end.',
    todo: [
      'Wait as long as the answer says; keyward keys pool shows how many are in use, and when the next one ends.',
      'Sign keys with shorter lives, or use one for more calls.',
      'Raise the limit: keyward keys delegation --mint-live-max.',
    ],
  },
  pool_exhausted: {
    means:
      'The key was accepted; every credential of the provider is out of use for now: limited, used up or rejected.',
    todo: [
      'Wait as long as the answer says; keyward pools list shows which are out, why, and until when.',
      'Add another credential, or another target to the alias, so that calls have somewhere to go.',
    ],
  },
  provider_quota: {
    means: 'The key was accepted; the vendor limits this installation, or its account has nothing left.',
    todo: ['Wait, or raise the quota at the vendor.', 'Add a second credential to spread the calls.'],
  },
  provider_refused: {
    means: 'The key was accepted; the vendor did not accept what the call asks.',
    todo: ['Correct the request as the vendor said in its answer.'],
  },
  provider_unavailable: {
    means: 'The key was accepted; the vendor could not be reached, or broke off.',
    todo: ['Try again.', "Where it goes on: look at the vendor's status page and at the network from here to there."],
  },
  provider_timeout: {
    means: 'The key was accepted; the vendor did not answer in time.',
    todo: [
      'Try again, or ask for less at once.',
      'gateway.firstByteTimeoutMs in keyward.yaml sets how long is waited.',
    ],
  },
  provider_answer_invalid: {
    means: 'The key was accepted; what the vendor answered is not valid.',
    todo: ['Try again.', 'Check the base URL of the provider: something else may answer there.'],
  },
  client_closed: {
    means: 'The caller left before the answer was complete.',
    todo: ["Look at the caller's own timeout."],
  },
  key_store_unavailable: {
    means: 'The key could not be looked up. Nothing is known against it.',
    todo: ['Look at the log of the server and at the disk of its data folder.'],
  },
  overloaded: {
    means: 'There was no room to serve or to count the call. Nothing is known against the key.',
    todo: ['Try again.', 'Where it goes on: more workers, or a second machine.'],
  },
};

/** What a record's code means; `ok` is a code, too. */
export function meaningOf(code: string): Meaning {
  if (code === 'ok') return { means: 'The call passed.', todo: [] };
  if (!isErrorCode(code)) return { means: 'The call ended with a code of another version of this program.', todo: [] };
  return MEANINGS[code] ?? { means: ERRORS[code].title, todo: [] };
}

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}
