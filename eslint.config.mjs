import js from "@eslint/js";
import node from "eslint-plugin-n";
import tseslint from "typescript-eslint";

/** The rooms of this house, and which others each of them may import. CONTRIBUTING.md shows the same. */
const ROOMS = {
  model: [],
  inspect: ["model"],
  ssh: ["model"],
  components: ["inspect", "model", "ssh"],
  host: ["inspect", "model"],
  deployer: ["inspect", "model", "ssh"],
  cli: ["inspect", "model"],
  toolchain: ["cli", "ssh", "inspect", "model"],
};
const TARGETS = ["docker", "local", "ssh"];
/** The host program runs on the gateways' Node.js; everything else also on the oldest that a deployer may have. */
const OF_HOSTS = ">=24.0.0";
const OF_DEPLOYERS = "^20.12.0 || >=22.0.0";

const oneOf = (names) => `(${names.join("|")})`;
const OUTSIDE = ["test", "bench", "examples", "index"];

/** What a room must not import. */
function wallOf(room) {
  const below = ROOMS[room];
  const others = [...Object.keys(ROOMS), ...OUTSIDE].filter((each) => each !== room && !below.includes(each));
  const message = `${room}/ imports ${below.join(", ") || "nothing"} only.`;
  return { regex: `^(\\.\\./)+${oneOf(others)}(/|$)`, message };
}

/** One rule for each folder, with its room's wall: a second one would take its place. */
const restrict = (folder, ...patterns) => ({
  files: [`${folder}/**/*.ts`],
  rules: { "no-restricted-imports": ["error", { patterns: [wallOf(folder.split("/")[0]), ...patterns] }] },
});

export const walls = [
  ...Object.keys(ROOMS).map((room) => restrict(room)),
  ...TARGETS.map((target) =>
    restrict(`components/targets/${target}`, {
      regex: `^\\.\\./${oneOf(TARGETS.filter((each) => each !== target))}(/|$)`,
      message: "No target imports another.",
    }),
  ),
  restrict("model", {
    regex: "^node:(?!crypto$|os$|path$|path/posix$|zlib$)",
    message: "model/ is pure: it reads and changes nothing.",
  }),
];

/** Calls that change something. */
const CHANGES =
  "/^(append|chmod|chown|copyFile|cp|link|mkdir|rename|rm|symlink|truncate|unlink|utimes|write)\\w*Sync$/";

export default tseslint.config(
  { ignores: ["dist/", "node_modules/", "coverage/", "examples/template/"] },
  js.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: { allowDefaultProject: ["*.mjs", "*.mts"] } } },
    plugins: { n: node },
    rules: {
      // Non-null assertions are used where an index was just checked.
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
    },
  },
  { files: ["*.mjs"], ...tseslint.configs.disableTypeChecked },
  ...walls,
  {
    files: Object.keys(ROOMS).map((room) => `${room}/**/*.ts`),
    rules: {
      "max-params": ["error", 4],
      "max-lines-per-function": ["error", { max: 60, skipBlankLines: true, skipComments: true }],
    },
  },
  ...[
    [Object.keys(ROOMS).filter((room) => room !== "host"), OF_DEPLOYERS],
    [["host"], OF_HOSTS],
  ].map(([rooms, version]) => ({
    files: rooms.map((room) => `${room}/**/*.ts`),
    rules: {
      "n/no-unsupported-features/es-builtins": ["error", { version }],
      "n/no-unsupported-features/node-builtins": ["error", { version, allowExperimental: true }],
    },
  })),
  {
    files: ["inspect/**/*.ts"],
    rules: {
      "no-restricted-syntax": [
        "error",
        {
          selector: `CallExpression[callee.name=${CHANGES}], CallExpression[callee.property.name=${CHANGES}]`,
          message: "inspect/ looks at a machine and changes nothing.",
        },
      ],
    },
  },
  {
    files: ["components/**"],
    // What programs of this machine print is no other machine's answer.
    ignores: [
      "components/targets/answers.ts",
      "components/targets/deployerCommand.ts",
      "components/targets/bootstrap.ts",
    ],
    rules: {
      "no-restricted-syntax": [
        "error",
        {
          selector: "MemberExpression[property.name='stdout'], ObjectPattern > Property[key.name='stdout']",
          message: "What a machine answers comes through answerOf() of components/targets/answers.ts.",
        },
      ],
    },
  },
);
