/** How to reach another host: the `connection` of remote resources. */
import type { Connection, Endpoint } from "../../model/connection";
import { INTEGER, NUMBER, STRING, WIRE_OBJECT, type Fields, type FieldType } from "./fields";
import { isProperties, type Properties, type Value } from "./values";

const PASSWORD: FieldType = { ...STRING, secret: true };

/** The order is that of the official plugin's messages. */
const ENDPOINT: Fields = {
  user: { ...STRING, standard: "root" },
  password: PASSWORD,
  host: STRING,
  port: { ...NUMBER, standard: 22 },
  privateKey: PASSWORD,
  privateKeyPassword: PASSWORD,
  agentSocketPath: STRING,
  dialErrorLimit: { ...INTEGER, standard: 10 },
  perDialTimeout: { ...INTEGER, standard: 15 },
  hostKey: STRING,
};

const object = (name: string, fields: Fields): FieldType => ({
  goName: `remote.${name}`,
  wireName: WIRE_OBJECT,
  zero: new Map([["host", { content: "" }]]),
  fields,
  required: ["host"],
});

const PROXY = object("ProxyConnection", ENDPOINT);
export const CONNECTION: FieldType = { ...object("Connection", { proxy: PROXY, ...ENDPOINT }), secret: true };

/** Values that Check let through. */
export function readConnection(value: Value | undefined): Connection {
  const { content = null } = value ?? {};
  const properties: Properties = isProperties(content) ? content : new Map();
  const proxy = properties.get("proxy");
  return { ...readEndpoint(properties), ...(proxy && { proxy: readConnection(proxy) }) };
}

function readEndpoint(properties: Properties): Endpoint {
  const entries = Object.entries(ENDPOINT).flatMap(([name, { standard }]) => {
    const content = properties.get(name)?.content ?? standard;
    return content === undefined ? [] : [[name, content]];
  });
  return Object.fromEntries(entries) as Endpoint;
}
