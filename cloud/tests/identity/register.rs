use firn_cloud::openstack::identity::{
    EndpointUrl, IdentityError, Outcome, Registration, RegistrationReport, ServiceUser, register,
};
use keystone_middleware_rs::{Auth, DomainRef, Interface, Method, ProjectRef, Scope, UserRef};
use serde_json::{Value, json};

use crate::cloud::{Cloud, unique};

fn wanted() -> Registration {
    let name = unique("firn");
    let endpoints = Interface::ALL.map(|interface| EndpointUrl {
        interface,
        url: format!("http://{interface}.{name}.example.org:8998"),
    });
    Registration {
        service_type: unique("instance-backup"),
        service_name: name.clone(),
        description: "Backup of instances".to_owned(),
        region: unique("region"),
        endpoints: endpoints.to_vec(),
        user: Some(ServiceUser {
            name: name.clone(),
            password: unique("pw").into(),
            domain: DomainRef::Name("Default".to_owned()),
            project: format!("{name}-service"),
            project_domain: DomainRef::Id("default".to_owned()),
            roles: vec!["service".to_owned(), format!("{name}-role")],
        }),
    }
}

/// How many of each kind were other than wanted.
fn touched(report: &RegistrationReport) -> usize {
    report.steps.iter().filter(|step| step.outcome != Outcome::Unchanged).count()
}

async fn auth(cloud: &Cloud, user: &ServiceUser) -> bool {
    let domain = || DomainRef::Name("Default".to_owned());
    let session = cloud.admin.with_auth(Auth::Password {
        user: UserRef::Name { name: user.name.clone(), domain: domain() },
        password: user.password.clone(),
        scope: Scope::Project(ProjectRef::Name { name: user.project.clone(), domain: domain() }),
    });
    session
        .context()
        .await
        .is_ok_and(|context| user.roles.iter().all(|role| context.has_role(role)))
}

#[tokio::test]
async fn everything_is_made_once() {
    let cloud = Cloud::shared();
    let wanted = wanted();
    let report = register(&cloud.admin, &wanted).await.unwrap();
    assert!(report.changed());
    let created = report.steps.iter().filter(|step| step.outcome == Outcome::Created).count();
    // Project, user, a new role, two grants, service, region, three endpoints.
    assert_eq!(created, 10, "{report:?}");
    assert!(auth(&cloud, wanted.user.as_ref().unwrap()).await);

    let again = register(&cloud.admin, &wanted).await.unwrap();
    assert!(!again.changed(), "{again:?}");
    assert_eq!(again.steps.len(), 9);

    // The administrator's catalog is that of a new token.
    let fresh = cloud.admin.with_auth(cloud.admin.auth().unwrap().clone());
    for EndpointUrl { interface, url } in &wanted.endpoints {
        let found = fresh.endpoint_in(&wanted.service_type, *interface, Some(&wanted.region)).await;
        assert_eq!(found.unwrap(), *url);
    }
}

#[tokio::test]
async fn what_differs_is_corrected_and_nothing_else() {
    let cloud = Cloud::shared();
    let mut wanted = wanted();
    register(&cloud.admin, &wanted).await.unwrap();

    wanted.endpoints[1].url = "https://moved.example.org".to_owned();
    let report = register(&cloud.admin, &wanted).await.unwrap();
    assert_eq!(touched(&report), 1, "{report:?}");
    let fresh = cloud.admin.with_auth(cloud.admin.auth().unwrap().clone());
    let interface = wanted.endpoints[1].interface;
    let url = fresh.endpoint_in(&wanted.service_type, interface, Some(&wanted.region)).await;
    assert_eq!(url.unwrap(), "https://moved.example.org");

    wanted.user.as_mut().unwrap().password = unique("pw").into();
    let report = register(&cloud.admin, &wanted).await.unwrap();
    assert_eq!(touched(&report), 1, "{report:?}");
    assert!(auth(&cloud, wanted.user.as_ref().unwrap()).await);

    let users = cloud.get(&format!("users?name={}", wanted.user.as_ref().unwrap().name)).await;
    cloud.enable("user", users["users"][0]["id"].as_str().unwrap(), false).await;
    let report = register(&cloud.admin, &wanted).await.unwrap();
    assert_eq!(touched(&report), 1, "{report:?}");
    assert!(auth(&cloud, wanted.user.as_ref().unwrap()).await);

    let services = cloud.get(&format!("services?type={}", wanted.service_type)).await;
    let service_id = services["services"][0]["id"].clone();
    let body = json!({"service_id": service_id, "interface": "public",
                      "region_id": wanted.region, "url": "http://astray"});
    cloud.create("endpoint", body).await;
    let report = register(&cloud.admin, &wanted).await.unwrap();
    assert!(report.changed());
    assert!(!register(&cloud.admin, &wanted).await.unwrap().changed());
    let path = format!("endpoints?service_id={}", service_id.as_str().unwrap());
    let endpoints = cloud.get(&path).await;
    assert_eq!(endpoints["endpoints"].as_array().unwrap().len(), 3);

    let mut other = wanted.clone();
    other.region = unique("region");
    other.user = None;
    other.endpoints.truncate(1);
    let report = register(&cloud.admin, &other).await.unwrap();
    assert_eq!(touched(&report), 2, "a region and an endpoint: {report:?}");
    assert!(!register(&cloud.admin, &wanted).await.unwrap().changed(), "the other is untouched");
    cloud
        .call(Method::DELETE, &format!("services/{}", service_id.as_str().unwrap()), Value::Null)
        .await
        .success()
        .unwrap();
}

#[tokio::test]
async fn only_an_administrator_registers() {
    let cloud = Cloud::shared();
    let member = cloud.user(&["member"]).await;
    let error = register(&member.session, &wanted()).await.unwrap_err();
    assert!(matches!(error, IdentityError::Refused { .. }), "{error:?}");
    let mut wanted = wanted();
    wanted.user.as_mut().unwrap().domain = DomainRef::Name(unique("nowhere"));
    let error = register(&cloud.admin, &wanted).await.unwrap_err();
    assert!(matches!(error, IdentityError::Unusable { .. }), "{error:?}");
}
