// Does a client take a content coding? Its Accept-Encoding field names it, and not with a weight of 0 (RFC 9110 §12.5.3).

/** True when `field`, the value of Accept-Encoding, names `coding` (in lower case). Wildcards name nothing, as in httpd. */
export function acceptsCoding(field: string | undefined, coding: string): boolean {
  if (field === undefined) return false;
  for (const member of field.split(",")) {
    const [name, ...parameters] = member.split(";");
    if (name.trim().toLowerCase() !== coding) continue;
    return !parameters.some((parameter) => /^\s*q\s*=\s*0(?:\.0*)?\s*$/i.test(parameter));
  }
  return false;
}
