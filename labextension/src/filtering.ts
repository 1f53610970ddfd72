/** Which services are meant by what is written above them. Pure. */

interface ISought {
  name: string;
  target: string;
  state: string;
  edited: boolean;
}

/** Every word must be in the name, the target or the state, in English or in the user's language. */
export function isMeant(service: ISought, text: string, __: (text: string) => string): boolean {
  const states = [service.state, ...(service.edited ? ['edited, not reloaded'] : [])];
  const about = [service.name, service.target, ...states, ...states.map(__)].join('\n').toLowerCase();
  return text
    .toLowerCase()
    .split(/\s+/)
    .every(word => about.includes(word));
}
