// What may the rest of the server use of the configuration? The public surface of this folder: readConfig() makes a tree of plain
// data of files, applyConfig() typed values of the tree; the rest is for rows of the directive table and for requests.

export { canonicalAddress, type HostAddress, parseHostAddress } from "./addresses.ts";
export { applyConfig, type ApplyOptions } from "./apply.ts";
export { bytes, flag, integer, oneOf, timeInterval, type TimeUnit } from "./arguments.ts";
export { type CanonicalNames, canonicalNames } from "./canonical_names.ts";
export { DirectiveTable } from "./directive_table.ts";
export type {
  Arity,
  Context,
  Directive,
  DirectiveFacts,
  DirectiveRow,
  HostDraft,
  Override,
  OverrideClass,
  SectionDirective,
  Target,
} from "./directives.ts";
export { ArgumentError, ConfigError, ConfigErrors, type Where } from "./errors.ts";
export { type ConfigFiles, denoFiles } from "./files.ts";
export { compileGlob } from "./glob.ts";
export { type ConfigNode, getWord, words } from "./grammar.ts";
export { OverrideError, type OverrideFiles, overrideFiles, type OverrideFilesOptions } from "./htaccess.ts";
export { hostRow, type RowFacts } from "./host_row.ts";
export { readerFacts } from "./line_directives.ts";
export { holdsFor, type MethodFilter } from "./limits.ts";
export type { Section } from "./matching.ts";
export type { Overrides } from "./overrides.ts";
export { compileRegex } from "./regex.ts";
export { addressBytes, inSubnet, parseSubnet, type Subnet } from "./subnet.ts";
export type { ConfigTree, ConfigWarning, IncludedFile, ReadOptions } from "./read_options.ts";
export { readConfig } from "./reader.ts";
export { type Asker, resolveDirectory } from "./resolve.ts";
export { sectionRows } from "./sections.ts";
export { type Sections, ServerConfig, VirtualServer } from "./server_config.ts";
export { type ServerNames, serverNames, strictHostCheck } from "./server_names.ts";
export {
  type DirKey,
  dirKey,
  type DirStore,
  mergeStores,
  type ServerKey,
  serverKey,
  type ServerStore,
  Store,
} from "./stores.ts";
export { selectVirtualHost } from "./vhosts.ts";
