// What does root start to have a child of another user? See server/launcher.ts.

import { launch } from "../server/launcher.ts";

launch();
