import { is, isNot, isOneOf, isSet, isUnset, test, where } from "../../condition.ts";
import { type Statement, statementsOf } from "../../document.ts";
import type { Rule } from "../../rule.ts";
import type { Value } from "../../value.ts";

const account = "arn:aws:iam::111122223333:root";
const allow = (statement: object) => JSON.stringify({ Statement: [{ Effect: "Allow", ...statement }] });
const bounded = allow({ Action: "s3:GetObject", Resource: "arn:aws:s3:::bucket/*" });

export const awsIdentity: readonly Rule[] = [
  {
    name: "aws-eks-entries-only",
    types: ["aws:eks/cluster:Cluster"],
    severity: "high",
    protects: "administrators of the cluster that no access entry names, the one who made it among them",
    standard: "",
    fix: 'accessConfig: { authenticationMode: "API", bootstrapClusterCreatorAdminPermissions: false }',
    conditions: [
      is("accessConfig.authenticationMode", "API"),
      is("accessConfig.bootstrapClusterCreatorAdminPermissions", false),
    ],
  },
  {
    name: "aws-rds-identity-login",
    types: ["aws:rds/cluster:Cluster", "aws:rds/instance:Instance"],
    severity: "high",
    protects: "passwords of programs, which leak and are not renewed",
    standard: "CKV_AWS_161, CKV_AWS_162",
    fix: "iamDatabaseAuthenticationEnabled: true",
    conditions: [is("iamDatabaseAuthenticationEnabled", true)],
  },
  {
    name: "aws-rds-managed-password",
    types: ["aws:rds/cluster:Cluster", "aws:rds/instance:Instance"],
    severity: "high",
    protects: "an administrator's password in Pulumi's state, which nobody renews",
    standard: "",
    fix: "manageMasterUserPassword: true, and neither masterPassword nor password",
    conditions: [is("manageMasterUserPassword", true), isUnset("masterPassword"), isUnset("password")],
  },
  {
    name: "aws-cache-users",
    types: ["aws:elasticache/replicationGroup:ReplicationGroup"],
    severity: "high",
    protects: "a cache that everybody on its network may read and change, or one password for all",
    standard: "CKV_AWS_31",
    fix: "userGroupIds, and no authToken",
    conditions: [isSet("userGroupIds"), isUnset("authToken")],
  },
  {
    name: "aws-cache-user-identity",
    types: ["aws:elasticache/user:User"],
    severity: "high",
    protects: "a user that logs in without an identity, or that may do everything",
    standard: "",
    fix: 'authenticationMode: { type: "iam" }; for the user default: accessString starting with "off"',
    conditions: [
      where("authenticationMode.type", "password", startsWithOff()),
      where("authenticationMode.type", "no-password-required", startsWithOff()),
      isOneOf("authenticationMode.type", "iam", "password", "no-password-required"),
      isNot("accessString", "on ~* +@all"),
    ],
  },
  {
    name: "aws-iam-no-star",
    types: ["aws:iam/policy:Policy", "aws:iam/rolePolicy:RolePolicy"],
    severity: "critical",
    protects: "a program that can do anything, or everything of a service, to everything",
    standard: "CKV_AWS_62, CKV_AWS_63, FSBP IAM.1",
    fix: "the actions that are used, on the ARNs that they are used on",
    conditions: [
      document("policy", "allow no action * or service:* on the resource *", (statement) => !isBoundless(statement), {
        right: bounded,
        wrong: [allow({ Action: "*", Resource: "*" }), allow({ Action: ["s3:*"], Resource: ["*"] })],
      }),
    ],
  },
  {
    name: "aws-iam-pass-role",
    types: ["aws:iam/policy:Policy", "aws:iam/rolePolicy:RolePolicy"],
    severity: "critical",
    protects: "a program that lends itself the rights of any role",
    standard: "CKV_AWS_60",
    fix: "iam:PassRole on the ARNs of the roles that are meant",
    conditions: [
      document("policy", "not allow iam:PassRole on the resource *", (statement) => !passesAnyRole(statement), {
        right: bounded,
        wrong: [allow({ Action: "iam:PassRole", Resource: "*" })],
      }),
    ],
  },
  {
    name: "aws-iam-trust",
    types: ["aws:iam/role:Role"],
    severity: "critical",
    protects: "a role that anybody may take, or a service on behalf of another customer",
    standard: "CKV_AWS_60, CKV_AWS_61",
    fix: "name who may assume the role, with a condition such as aws:SourceArn where it is a service",
    conditions: [
      document("assumeRolePolicy", "trust neither everybody nor a service without a condition", isScoped, {
        right: allow({
          Principal: { Service: "pods.eks.amazonaws.com" },
          Action: ["sts:AssumeRole", "sts:TagSession"],
          Condition: { StringEquals: { "aws:RequestTag/kubernetes-namespace": "skykv" } },
        }),
        wrong: [
          allow({ Principal: "*", Action: "sts:AssumeRole" }),
          allow({ Principal: { AWS: "*" }, Action: "sts:AssumeRole" }),
          allow({ Principal: { Service: "pods.eks.amazonaws.com" }, Action: "sts:AssumeRole" }),
        ],
      }),
    ],
  },
  {
    name: "aws-iam-no-administrators",
    types: ["aws:iam/rolePolicyAttachment:RolePolicyAttachment"],
    severity: "critical",
    protects: "a program with the rights of an administrator",
    standard: "CKV_AWS_274, CIS AWS 1.16",
    fix: "a RolePolicy with the actions that are used",
    conditions: [
      test(
        "policyArn",
        "not be AdministratorAccess, PowerUserAccess, IAMFullAccess or any other *FullAccess",
        (arn) => !/\/(AdministratorAccess|PowerUserAccess|\w*FullAccess)$/.test(String(arn)),
        {
          right: "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy",
          wrong: ["arn:aws:iam::aws:policy/AdministratorAccess", "arn:aws:iam::aws:policy/AmazonS3FullAccess"],
          unknown: true,
        },
      ),
    ],
  },
  {
    name: "aws-kms-not-public",
    types: ["aws:kms/key:Key"],
    severity: "critical",
    protects: "a key that any customer of the cloud may use",
    standard: "CKV_AWS_33, CKV2_AWS_64",
    fix: "a policy that names the account, or everybody with a condition such as kms:CallerAccount",
    conditions: [
      document("policy", "not allow everybody without a condition", isNotPublic, {
        right: allow({ Principal: { AWS: account }, Action: "kms:*", Resource: "*" }),
        wrong: [allow({ Principal: "*", Action: "kms:Decrypt", Resource: "*" })],
      }),
    ],
  },
  {
    name: "aws-queue-not-public",
    types: ["aws:sqs/queuePolicy:QueuePolicy", "aws:sns/topicPolicy:TopicPolicy"],
    severity: "critical",
    protects: "messages that any customer of the cloud may read or write",
    standard: "CKV_AWS_168, CKV_AWS_387",
    fix: "name who may send and receive",
    conditions: [
      document("policy", "not allow everybody without a condition", isNotPublic, {
        right: allow({ Principal: { AWS: account }, Action: "sqs:SendMessage", Resource: "*" }),
        wrong: [allow({ Principal: { AWS: "*" }, Action: "sqs:SendMessage", Resource: "*" })],
      }),
    ],
  },
];

function document(
  path: string,
  must: string,
  holds: (statement: Statement) => boolean,
  examples: { readonly right: string; readonly wrong: readonly string[] },
) {
  // Most documents name what is made with them: `up` judges those, before it makes them.
  return test(path, must, (value: Value) => statementsOf(value).every(holds), { ...examples, unknown: true });
}

function isBoundless({ allows, actions, resources, condition }: Statement): boolean {
  const boundless = actions.some((action) => action === "*" || action.endsWith(":*"));
  return allows && boundless && resources.includes("*") && condition === undefined;
}

function passesAnyRole({ allows, actions, resources }: Statement): boolean {
  return allows && resources.includes("*") && actions.some((action) => ["*", "iam:*", "iam:PassRole"].includes(action));
}

function isNotPublic({ allows, principals, condition }: Statement): boolean {
  return !allows || !principals.includes("*") || !isEmpty(condition);
}

// Instances of EC2 take their role by a profile, to which only their own account can attach it: AWS has no condition for it.
const boundByThemselves = ["ec2.amazonaws.com"];

function isScoped(statement: Statement): boolean {
  const services = statement.principals.filter((name) => name.endsWith(".amazonaws.com"));
  const open = services.filter((service) => !boundByThemselves.includes(service));
  return isNotPublic(statement) && (open.length === 0 || !isEmpty(statement.condition));
}

function isEmpty(condition: Value): boolean {
  return condition === undefined || JSON.stringify(condition) === "{}";
}

function startsWithOff() {
  return test(
    "accessString",
    'start with "off" for a user without an identity',
    (text) => String(text).startsWith("off"),
    {
      right: "off ~* -@all",
      wrong: ["on ~* +@read"],
    },
  );
}
