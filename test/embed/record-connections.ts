/**
 * Loaded before a program (`--import`): writes to standard error, one a line, every connection that it
 * opens and every name that it looks up, whichever part of it does so.
 */
import dgram from 'node:dgram';
import dns from 'node:dns';
import net from 'node:net';
import { syncBuiltinESMExports } from 'node:module';

function tell(what: string, detail: unknown): void {
  process.stderr.write(`${JSON.stringify([what, detail])}\n`);
}

// Every TCP, TLS and pipe client of Node ends here: net.connect, tls.connect, http and fetch.
const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (this: net.Socket, ...given: unknown[]) {
  const [first] = given.flat();
  const { host, port, path } =
    typeof first === 'object' && first !== null
      ? (first as net.TcpNetConnectOpts & { path?: string })
      : { host: given[1], port: first, path: undefined };
  tell('connect', path ?? `${String(host)}:${String(port)}`);
  return Reflect.apply(connect, this, given) as net.Socket;
};

const lookup = dns.lookup;
Object.assign(dns, {
  lookup: (...given: unknown[]) => {
    // An address is no question to anybody.
    if (net.isIP(String(given[0])) === 0) tell('lookup', given[0]);
    return Reflect.apply(lookup, dns, given) as unknown;
  },
});

const createSocket = dgram.createSocket;
Object.assign(dgram, {
  createSocket: (...given: unknown[]) => {
    tell('datagram', 'socket');
    return Reflect.apply(createSocket, dgram, given) as unknown;
  },
});
syncBuiltinESMExports();
