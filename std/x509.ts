// How are certificates made? `@peculiar/x509`, behind what it asks for.

import "./reflect.ts";

export * from "@peculiar/x509";
