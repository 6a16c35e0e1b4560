import js from "@eslint/js";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["dist/", "node_modules/", "coverage/", "examples/template/"] },
  js.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: { allowDefaultProject: ["*.mjs", "*.mts"] } } },
    rules: {
      // Non-null assertions are used where an index was just checked.
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
    },
  },
  {
    files: ["components/**"],
    // What programs of this machine print is no other machine's answer.
    ignores: ["components/targets/answers.ts", "components/targets/deployer.ts", "components/targets/bootstrap.ts"],
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
