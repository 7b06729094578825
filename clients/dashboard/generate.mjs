/** Writes dist/gen: the contract as TypeScript, and its comments as the definitions that the page shows. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  CodeGeneratorRequestSchema,
  CodeGeneratorResponseSchema,
  FieldDescriptorProto_Type as Type,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";

const HERE = dirname(fileURLToPath(import.meta.url));
const IMAGE = join(HERE, "../python/shopalytic/shopalytic.v1.binpb");
const TARGET = join(HERE, "dist/gen");
const RULES = "buf/validate/validate.proto";
const OWN = "shopalytic/";
/** Numbers of a file's lists in descriptor.proto, which the paths of comments are made of. */
const MESSAGES = 4;
const ENUMS = 5;
const FIELDS = 2;

/** The rules are the server's business: without them the page is a third smaller. */
function withoutRules(file) {
  const rules = file.dependency.indexOf(RULES);
  if (rules >= 0) file.dependency.splice(rules, 1);
  for (const message of file.messageType) {
    delete message.options;
    for (const part of [...message.field, ...message.oneofDecl]) delete part.options;
    for (const nested of message.nestedType) if (!nested.options?.mapEntry) delete nested.options;
  }
  return file;
}

function writeMessages(image) {
  const own = image.file.filter((file) => file.name.startsWith(OWN));
  const request = create(CodeGeneratorRequestSchema, {
    fileToGenerate: own.map((file) => file.name),
    parameter: "target=ts",
    protoFile: image.file.filter((file) => file.name !== RULES).map((file) => (own.includes(file) ? withoutRules(file) : file)),
  });
  const answer = execFileSync(process.execPath, [join(HERE, "node_modules/.bin/protoc-gen-es")], {
    input: toBinary(CodeGeneratorRequestSchema, request),
    maxBuffer: 64 * 1024 * 1024,
  });
  const response = fromBinary(CodeGeneratorResponseSchema, answer);
  if (response.error) throw new Error(response.error);
  for (const file of response.file) {
    mkdirSync(dirname(join(TARGET, file.name)), { recursive: true });
    writeFileSync(join(TARGET, file.name), file.content);
  }
}

function commentsOf(file) {
  const comments = new Map();
  for (const { path, leadingComments } of file.sourceCodeInfo?.location ?? []) {
    if (leadingComments) comments.set(path.join("."), leadingComments.trim().replace(/\s+/g, " "));
  }
  return comments;
}

/** Each message of the reports by name: what it is, and what its fields are. */
function definitionsOf(file) {
  const comments = commentsOf(file);
  const described = {};
  file.messageType.forEach((message, index) => {
    const path = `${MESSAGES}.${index}`;
    const fields = {};
    message.field.forEach((field, number) => {
      fields[field.name] = comments.get(`${path}.${FIELDS}.${number}`) ?? "";
    });
    described[message.name] = { text: comments.get(path) ?? "", fields };
  });
  file.enumType.forEach((each, index) => {
    const path = `${ENUMS}.${index}`;
    const fields = {};
    each.value.forEach((value, number) => {
      fields[value.name] = comments.get(`${path}.${FIELDS}.${number}`) ?? "";
    });
    described[each.name] = { text: comments.get(path) ?? "", fields };
  });
  return described;
}

/** The messages that answers of the reports are made of, in the contract's order. */
function reachable(file) {
  const byName = new Map(file.messageType.map((message) => [`.${file.package}.${message.name}`, message]));
  const seen = new Set();
  const visit = (name) => {
    const message = byName.get(name);
    if (!message || seen.has(message.name)) return;
    seen.add(message.name);
    for (const field of message.field) if (field.type === Type.MESSAGE) visit(field.typeName);
  };
  for (const service of file.service) for (const method of service.method) visit(method.outputType);
  visit(`.${file.package}.ReportScope`);
  // What parameters of a report mean stands in its request.
  for (const message of file.messageType) if (/^Get.*ReportRequest$/.test(message.name)) seen.add(message.name);
  return seen;
}

function writeDefinitions(image) {
  const file = image.file.find((each) => each.name === "shopalytic/v1/reports.proto");
  const used = reachable(file);
  const kept = Object.entries(definitionsOf(file)).filter(([name]) => used.has(name));
  const keys = kept.flatMap(([name, { fields }]) => Object.keys(fields).map((field) => `${name}.${field}`));
  const source = [
    "// Written by generate.mjs from the comments of protos/shopalytic/v1/reports.proto.",
    "export interface Definition { text: string; fields: Record<string, string> }",
    `export const definitions: Record<string, Definition> = ${JSON.stringify(Object.fromEntries(kept), null, 1)};`,
    `export type Defined = ${keys.map((key) => JSON.stringify(key)).join(" | ")};`,
    "",
  ];
  writeFileSync(join(TARGET, "definitions.ts"), source.join("\n"));
}

const image = fromBinary(FileDescriptorSetSchema, readFileSync(IMAGE));
rmSync(TARGET, { recursive: true, force: true });
mkdirSync(TARGET, { recursive: true });
writeDefinitions(image);
writeMessages(image);
