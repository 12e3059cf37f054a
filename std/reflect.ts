// The metadata of classes, which `@peculiar/x509` asks for before it is loaded. In a module of its own: what a bundle loads late it loads here.

import "reflect-metadata";
