import { AdminApiError } from '../../src/client/client-error.ts';

/** The error that a call is refused with; throws when it is accepted. */
export async function refusal(attempt: Promise<unknown>): Promise<AdminApiError> {
  const error: unknown = await attempt.then(
    () => new Error('the call was accepted'),
    (reason: unknown) => reason,
  );
  if (error instanceof AdminApiError) return error;
  throw error;
}
