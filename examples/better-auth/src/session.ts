// The session of the user, and the token that proves it to the Task API.
import { createAuthClient } from "better-auth/client";
import { jwtClient } from "better-auth/client/plugins";

export const authClient = createAuthClient({ plugins: [jwtClient()] });

let token: Promise<string> | undefined;

/** The token of /api/auth/token: fetched once for all callers, and kept until it is renewed or forgotten. */
export function currentToken(): Promise<string> {
  token ??= fetchToken().catch((error: unknown) => {
    token = undefined;
    throw error;
  });
  return token;
}

/** A new token instead of a refused one. Of several concurrent callers, the first one fetches it. */
export function renewedToken(refused: string | null): Promise<string> {
  return currentToken().then((current) => {
    if (`Bearer ${current}` === refused) forgetToken();
    return currentToken();
  });
}

/** Call this when the user signs out. */
export function forgetToken(): void {
  token = undefined;
}

async function fetchToken(): Promise<string> {
  const { data, error } = await authClient.token();
  if (error) throw new Error("Please sign in.");
  return data.token;
}
