/** What an answer may hold that the format cannot tell, whole or as a stream. */
import type { Finish, Part } from '../canonical.ts';
import type { Report } from '../report.ts';

export function reportChoices(report: Report): void {
  report.dropped('n', 'OpenAI Responses gives one answer');
}

export function reportPause({ reason }: Finish, report: Report): void {
  if (reason === 'pause') report.approximated('status', 'OpenAI Responses knows no pause');
}

export function reportSource(report: Report): void {
  report.dropped('annotations', 'a source without a URL has no place in OpenAI Responses');
}

export function reportSignature(report: Report): void {
  report.dropped('signature', 'OpenAI Responses has no place for the signature of a text');
}

export function reportLost(kind: Part['kind'], report: Report): void {
  report.dropped('output', `OpenAI Responses has no ${kind} of this form in answers`);
}
